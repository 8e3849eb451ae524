"""Directories of small files with secrets, replaced in one moment by a symbolic link."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from addonkit.errors import AddonkitError
from addonkit.util.files import remove_tree, replace_private
from addonkit.util.output_files import follow_own_links

Tree = Mapping[str, Mapping[str, str]]
"""Names of directories, to names of files, to their texts."""

KEPT: Final = 60.0
"""Seconds that a former tree stays at least, for programs that are reading it."""


def has_tree(name: str, tree: Tree) -> bool:
    """Return whether the directory holds exactly these files."""
    try:
        path = _place(name)
        return path.is_symlink() and {each.name: _texts(each) for each in path.iterdir()} == tree
    except (AddonkitError, OSError, UnicodeError):
        return False


def replace_tree(name: str, tree: Tree) -> None:
    """Write a directory of files that only we can read, in one moment: a reader sees the old files or the new.

    The name is a symbolic link to a directory beside it. What else has the name is not replaced.

    Raises:
        AddonkitError: it cannot be written; the old files stay.
    """
    attempted = f"cannot write {name}"
    try:
        path = _place(name)
        _check_free(attempted, path)
        _swap(path, tree)
    except OSError as error:
        raise AddonkitError(attempted, str(error.strerror or error)) from error
    except UnicodeError as error:
        raise AddonkitError(attempted, "a value has bytes that are no text") from error


def _place(name: str) -> Path:
    """Return the path, of which only the last part may be a link that another user made."""
    path = Path(name).absolute()
    return follow_own_links(path.parent) / path.name


def _texts(directory: Path) -> dict[str, str]:
    return {each.name: each.read_bytes().decode() for each in directory.iterdir()}


def _check_free(attempted: str, path: Path) -> None:
    if not os.path.lexists(path):
        return
    if not path.is_symlink():
        raise AddonkitError(attempted, "something of this name is there already", "choose a name that is free")
    owner = path.lstat().st_uid
    if owner != os.geteuid():
        raise AddonkitError(attempted, f"{path} is a link of another user (uid {owner})")
    if not _pattern(path).fullmatch(str(path.readlink())):
        raise AddonkitError(attempted, "it is a link to something else", "choose a name that is free")


def _swap(path: Path, tree: Tree) -> None:
    target = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    link = target.with_name(f"{target.name}.link")
    target.mkdir(0o700)
    try:
        for directory, texts in tree.items():
            (target / directory).mkdir(0o700)
            for name, text in texts.items():
                replace_private(target / directory / name, text.encode())
        link.symlink_to(target.name)
        link.replace(path)
    except BaseException:
        link.unlink(missing_ok=True)
        remove_tree(target)
        raise
    for former in _formers(path, target.name):
        remove_tree(former)


def _formers(path: Path, now: str) -> Iterator[Path]:
    """Yield trees that were replaced, or were never completed, a while ago."""
    pattern, oldest = _pattern(path), time.time() - KEPT
    for entry in list(os.scandir(path.parent)):
        if entry.name != now and pattern.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            if status.st_uid == os.geteuid() and status.st_mtime < oldest:
                yield Path(entry.path)


def _pattern(path: Path) -> re.Pattern[str]:
    return re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}")
