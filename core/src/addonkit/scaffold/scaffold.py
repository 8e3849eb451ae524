"""Writes the distribution of a new addon: a copy of one that works, under its own name."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from addonkit.errors import AlreadyExists, UnwritableValue
from addonkit.models.identifiers import check_addon_name

KINDS: Final = ("server", "remote")
"""A server that addonkit runs, or a service that runs elsewhere."""

_PLACEHOLDER: Final = re.compile(r"(?P<before>\"|addonkit[-_]|config set |)(?P<word>acme|ACME|Acme)")

_BY_TOOLS: Final = ("__pycache__", ".")
"""How names of what tools leave in a folder begin; files of a template that begin with a dot are named `dot-`."""


def write_distribution(name: str, kind: str, parent: Path) -> tuple[Path, ...]:
    """Write the folder `addonkit-<name>`, whole or not at all; its files, relative to the parent.

    Args:
        name: of the addon.
        kind: one of KINDS.
        parent: directory that it is written into.

    Raises:
        InvalidName: for a name that no addon can have.
        AlreadyExists: the folder is there.
        UnwritableValue: the directory cannot be written.
    """
    check_addon_name(name)
    attempted = f"cannot write addonkit-{name}"
    folder = parent / f"addonkit-{name}"
    if folder.exists():
        raise AlreadyExists(attempted, f"{folder} is there already", "choose another name or directory")
    try:
        with tempfile.TemporaryDirectory(prefix=".addonkit-", dir=parent) as draft:
            written = [_write(path, text, name, Path(draft) / "new") for path, text in _template(kind)]
            shutil.move(Path(draft) / "new", folder)
    except OSError as error:
        found = f"{parent}: {error.strerror or error}"
        raise UnwritableValue(attempted, found, "choose a directory with --directory") from error
    return tuple(folder.relative_to(parent) / path for path in written)


def _template(kind: str) -> Iterator[tuple[str, str]]:
    """Yield files of a template: path with `/`, and text."""
    root = files("addonkit.scaffold") / "templates" / kind
    pending = [("", root)]
    while pending:
        where, folder = pending.pop()
        for entry in sorted(folder.iterdir(), key=lambda each: each.name):
            path = f"{where}{entry.name}"
            if entry.name.startswith(_BY_TOOLS):
                continue
            if entry.is_dir():
                pending.append((f"{path}/", entry))
            else:
                yield path, entry.read_text(encoding="utf-8")


def _write(path: str, text: str, name: str, folder: Path) -> Path:
    relative = Path(_named(path.replace("dot-", "."), name, is_code=True))
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_named(text, name, is_code=path.endswith(".py")), encoding="utf-8")
    return relative


def _named(text: str, name: str, *, is_code: bool) -> str:
    """Put the name in the place of the placeholder, in the same case; as part of an identifier with underscores."""

    def replacement(found: re.Match[str]) -> str:
        before, word = found["before"], found["word"]
        if word.istitle():
            return before + "".join(part.title() for part in name.split("-"))
        module = name.replace("-", "_")
        if word.isupper():
            return before + module.upper()
        as_it_is = before in {'"', "addonkit-", "config set "} or not (is_code or before == "addonkit_")
        return before + (name if as_it_is else module)

    return _PLACEHOLDER.sub(replacement, text)
