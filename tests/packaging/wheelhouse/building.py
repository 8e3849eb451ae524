"""Builds each wheel once, for all workers of a session."""

from __future__ import annotations

import fcntl
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from wheelhouse.processes import run

ROOT: Final = Path(__file__).parents[3]

PROJECTS: Final = {
    "addonkit": ROOT / "core",
    **{f"addonkit-{path.parent.name}": path.parent for path in sorted((ROOT / "plugins").glob("*/pyproject.toml"))},
}
"""Folders of the distributions of this workspace, by their names."""


def unchanged(_project: Path) -> None:
    """Leave a copy of a project as it is."""


@attrs.frozen
class Wheels:
    """Wheels, each built when it is first asked for.

    Attributes:
        folder: where they are kept.
    """

    folder: Path

    def of(self, name: str, version: str = "", change: Callable[[Path], None] = unchanged) -> Path:
        """The wheel of a distribution of this workspace.

        Args:
            name: of the distribution.
            version: to build the same source under; its own when empty.
            change: what else is different under that version, done to a copy of the folder.
        """
        if not version:
            return self.build(PROJECTS[name])
        with self.once(f"{name}-{version}-{change.__name__}") as (folder, is_new):
            if is_new:
                _copy(PROJECTS[name], folder, version)
                change(folder)
        return self.build(folder)

    def build(self, project: Path) -> Path:
        """The wheel of a project folder, made by way of its source archive, which lies beside it."""
        with self.once(f"wheel-of-{project.name}") as (folder, is_new):
            if is_new:
                run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, project)
        (wheel,) = folder.glob("*.whl")
        return wheel

    @contextmanager
    def once(self, name: str) -> Iterator[tuple[Path, bool]]:
        """A folder, and whether it is new and to be filled now; one whose filling failed does not stay."""
        folder = self.folder / name
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            is_new = not folder.exists()
            folder.mkdir(exist_ok=True)
            try:
                yield folder, is_new
            except BaseException:
                shutil.rmtree(folder)
                raise


def _copy(project: Path, folder: Path, version: str) -> None:
    """Copy a project's folder and give it another version."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    _change_version(folder / "pyproject.toml", "version", version)
    (module,) = (path for path in folder.glob("src/*/*.py") if "__version__ = " in path.read_text())
    _change_version(module, "__version__", version)


def _change_version(path: Path, key: str, version: str) -> None:
    changed, times = re.subn(rf'^{key} = ".+"$', f'{key} = "{version}"', path.read_text(), flags=re.MULTILINE)
    assert times == 1, path
    path.write_text(changed)
