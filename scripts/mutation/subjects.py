"""The addons that are broken: ours, the example, and what `addonkit new` writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parent.parent.parent
SITE: Final = Path(__file__).parent / "site"
"""Where Python finds the module that puts mutants in place."""

_NOT_BROKEN: Final = frozenset(
    {"conformance.py", "conformance_rights.py", "local.py", "__main__.py", "cloner.py", "shell.py"}
)
"""Parts that tests use, not users; and the shell, for which a terminal is needed."""


_CONFIG: Final = """
import json, sys
from addonkit.registry.registry import Registry
definition = Registry.discover().get(sys.argv[1]).definition
print(json.dumps([definition.default_variant, dict(definition.variant(definition.default_variant).config)]))
"""


@attrs.frozen
class Subject:
    """An addon to break.

    Attributes:
        name: of the addon.
        package: its directory.
        path: what Python must find besides: the package and its metadata, where it is not installed.
    """

    name: str
    package: Path
    path: tuple[Path, ...] = ()

    def modules(self) -> list[Path]:
        """Return the files that are broken in turn."""
        found = (path for path in self.package.glob("*.py") if path.name not in _NOT_BROKEN)
        return sorted(path for path in found if "serve_forever" not in path.read_text(encoding="utf-8"))

    def sources(self) -> dict[str, str]:
        """Return the source of each module of the package, by the name by which it is imported."""
        return {
            self.package.name + ("" if path.stem == "__init__" else f".{path.stem}"): path.read_text(encoding="utf-8")
            for path in self.package.glob("*.py")
        }

    def default(self) -> tuple[str, Mapping[str, str]]:
        """Return the default variant and its config; asked for in a process of its own."""
        ended = subprocess.run(
            [sys.executable, "-c", _CONFIG, self.name], env=self.environ(), capture_output=True, text=True, check=True
        )
        name, config = json.loads(ended.stdout)
        return name, config

    def environ(self) -> dict[str, str]:
        """Return the environment in which the addon is installed.

        It is that of an author: in CI the kit locks no shapes of sagas, and fails where none are locked yet.
        """
        path = (SITE, *self.path, *filter(None, [os.environ.get("PYTHONPATH")]))
        kept = {name: value for name, value in os.environ.items() if name != "CI"}
        return {**kept, "PYTHONPATH": os.pathsep.join(map(str, path))}


def subjects(folder: Path) -> Iterator[Subject]:
    """Yield all of them; what is not installed is made in the folder."""
    for name in ("postgresql", "valkey", "s3-remote"):
        yield Subject(name, ROOT / "plugins" / name / "src" / f"addonkit_{name.replace('-', '_')}")
    yield _uninstalled("memcached", ROOT / "examples" / "addonkit-memcached", folder)
    for name, options in (("brook", ()), ("river", ("--kind", "remote"))):
        command = [sys.executable, "-m", "addonkit", "new", name, *options]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        yield _uninstalled(name, folder / f"addonkit-{name}", folder)


def _uninstalled(name: str, project: Path, folder: Path) -> Subject:
    """Write the metadata that pip would write."""
    about = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    place = folder / f"of-{name}"
    info = place / f"addonkit_{name}-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    groups = about["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()) for group, entries in groups]
    (info / "entry_points.txt").write_text("".join(lines))
    return Subject(name, project / "src" / f"addonkit_{name}", (project / "src", place))
