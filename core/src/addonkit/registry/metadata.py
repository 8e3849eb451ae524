"""Reads what installed distributions say of themselves: files of bounded size, and imports nothing.

`importlib_metadata` parses the whole METADATA of a distribution to tell its name, and reads files of any size. With
hundreds of distributions, or one of 200 MB, every command would pay for that. So directories are read here, and zip
files, which are rare, by the library.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import attrs

from addonkit.util.text import short_name

LARGEST: Final = 256 * 1024
"""Bytes of a metadata file that are read."""

_SUFFIXES: Final = (".dist-info", ".egg-info")
_HEADER: Final = re.compile(r"(?P<name>[A-Za-z-]+):[ \t]*(?P<value>.*)")


def canonical_name(name: str) -> str:
    """Return the name of a distribution as the packaging standards compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class MetadataFault(Exception):
    """A fault of a distribution's metadata, in one line."""


@attrs.frozen(slots=False, eq=False)
class Distribution:
    """One installed distribution.

    Attributes:
        folder: of its metadata.
        key: its canonical name, read from the folder's name.
    """

    folder: Path
    key: str

    def entry_points(self) -> str:
        """Return the text of its entry points; empty when it has none.

        Raises:
            MetadataFault: it is too large, or no text.
        """
        return _read(self.folder / "entry_points.txt", whole=True)

    @cached_property
    def headers(self) -> Mapping[str, Sequence[str]]:
        """Values of its metadata by their names in small letters, without the description.

        Raises:
            MetadataFault: there is none, or it is too large.
        """
        name = "METADATA" if self.folder.suffix == ".dist-info" else "PKG-INFO"
        text, blank, _description = _read(self.folder / name).replace("\r\n", "\n").partition("\n\n")
        if not blank and len(text) >= LARGEST:
            raise MetadataFault(f"the headers of its {name} are larger than {LARGEST // 1024} KiB")
        if not text:
            raise MetadataFault(f"it has no {name}")
        found: dict[str, list[str]] = {}
        for line in re.sub(r"\n[ \t]+", " ", text).splitlines():
            header = _HEADER.fullmatch(line)
            if header is not None:
                found.setdefault(header["name"].lower(), []).append(header["value"].strip())
        return found

    @property
    def name(self) -> str:
        """Its name, as it may be shown."""
        return short_name(self.headers.get("name", ("",))[0]) or self.key

    @property
    def version(self) -> str:
        """Its version, as it may be shown."""
        return short_name(self.headers.get("version", ("",))[0])


def distributions(path: Sequence[str] | None = None) -> Iterator[Distribution]:
    """Yield every installed distribution; of several copies only the first on the path.

    Args:
        path: directories to look in; `sys.path` when None.
    """
    seen: set[str] = set()
    for directory in dict.fromkeys(sys.path if path is None else path):
        here = _in_zip(directory) if os.path.isfile(directory) else _in_directory(directory or ".")  # noqa: PTH113 - as import does
        for each in here:
            if each.key not in seen:
                seen.add(each.key)
                yield each


def _in_directory(directory: str) -> Iterator[Distribution]:
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(_SUFFIXES))  # noqa: PTH208 - names only
    except OSError:
        return
    for name in names:
        project = name.rpartition(".")[0].partition("-")[0]
        yield Distribution(Path(directory, name), canonical_name(project))


def _in_zip(file: str) -> Iterator[Distribution]:
    import zipfile

    try:
        top = zipfile.Path(file)
        folders = [each for each in top.iterdir() if each.name.endswith(_SUFFIXES)]
    except (OSError, zipfile.BadZipFile):
        return
    for each in folders:
        project = each.name.rpartition(".")[0].partition("-")[0]
        yield Distribution(each, canonical_name(project))  # type: ignore[arg-type]  # read as a Path is


def _read(file: Path, *, whole: bool = False) -> str:
    """Return the beginning of a text file; empty when there is none.

    Raises:
        MetadataFault: it cannot be read, is no UTF-8, or is larger than LARGEST and wanted whole.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    except OSError as error:
        raise MetadataFault(f"its {file.name} cannot be read: {error.strerror}") from error
    if whole and len(content) > LARGEST:
        raise MetadataFault(f"its {file.name} is larger than {LARGEST // 1024} KiB")
    try:
        return content[:LARGEST].decode("utf-8", "strict" if whole else "replace")
    except UnicodeDecodeError as error:
        raise MetadataFault(f"its {file.name} is not UTF-8") from error
