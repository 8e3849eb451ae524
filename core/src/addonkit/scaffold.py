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
from addonkit.identifiers import check_addon_name

KINDS: Final = ("server", "remote")
"""A server that addonkit runs, or a service that runs elsewhere."""

_PLACEHOLDER: Final = re.compile(r"acme", re.IGNORECASE)


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
    """Files of a template: path with `/`, and text."""
    root = files("addonkit") / "templates" / kind
    pending = [("", root)]
    while pending:
        where, folder = pending.pop()
        for entry in sorted(folder.iterdir(), key=lambda each: each.name):
            path = f"{where}{entry.name}"
            if entry.is_dir() and entry.name != "__pycache__":
                pending.append((f"{path}/", entry))
            elif entry.is_file():
                yield path, entry.read_text(encoding="utf-8")


def _write(path: str, text: str, name: str, folder: Path) -> Path:
    relative = Path(_named(path.replace("dot-", "."), name.replace("-", "_")))
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_code(text, name) if path.endswith(".py") else _prose(text, name), encoding="utf-8")
    return relative


def _code(text: str, name: str) -> str:
    """Python: as a part of identifiers the name has underscores, in strings of its own it is as it is."""
    text = text.replace('"acme"', f'"{name}"').replace("addonkit-acme", f"addonkit-{name}")
    return _named(text, name.replace("-", "_"))


def _prose(text: str, name: str) -> str:
    """Everything else: names of modules and variables have underscores."""
    module = name.replace("-", "_")
    text = text.replace("addonkit_acme", f"addonkit_{module}").replace("ACME", module.upper())
    return _named(text, name)


def _named(text: str, name: str) -> str:
    """Put the name in the place of the placeholder, in the same case."""

    def replacement(found: re.Match[str]) -> str:
        word = found.group()
        if word.isupper():
            return name.upper()
        return _title(name) if word.istitle() else name

    return _PLACEHOLDER.sub(replacement, text)


def _title(name: str) -> str:
    return "".join(part.title() for part in re.split("[-_]", name))
