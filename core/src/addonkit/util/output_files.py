"""Files with secrets, at places that a user names."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from addonkit.errors import AddonkitError
from addonkit.util.files import replace_private

_LINKS_MAX: Final = 40
"""Symbolic links that are followed, as many as the kernel does."""


def has_content(name: str, text: str) -> bool:
    """Return whether an ordinary file holds exactly this text. A link is followed as `replace_file` does."""
    try:
        path = follow_own_links(Path(name))
        return path.is_file() and path.read_bytes() == text.encode()
    except (AddonkitError, OSError):
        return False


def replace_file(name: str, text: str) -> None:
    """Write a file of mode 0600 in one moment: a reader sees the old content or the new.

    A symbolic link is followed when it is ours or root's; what is no ordinary file is not replaced.

    Raises:
        AddonkitError: it cannot be written.
    """
    attempted = f"cannot write {name}"
    try:
        path = follow_own_links(Path(name))
    except OSError as error:
        raise AddonkitError(attempted, str(error.strerror or error)) from error
    if path.exists() and not path.is_file():
        raise AddonkitError(attempted, "it is not an ordinary file")
    try:
        replace_private(path, text.encode())
    except OSError as error:
        raise AddonkitError(attempted, str(error.strerror or error)) from error


def follow_own_links(path: Path) -> Path:
    """Return the path without symbolic links, each of which must belong to us or to root.

    Another user's link, perhaps in `/tmp`, could lead to any file of ours.

    Raises:
        AddonkitError: a link belongs to another user.
        OSError: there are too many links.
    """
    found, left, links = Path(path.anchor or Path.cwd()), _parts(path), 0
    while left:
        name, *left = left
        step = found.parent if name == ".." else found / name
        if not step.is_symlink():
            found = step
            continue
        links += 1
        if links > _LINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        owner = step.lstat().st_uid
        if owner not in {0, os.geteuid()}:
            raise AddonkitError(f"cannot write {path}", f"{step} is a link of another user (uid {owner})")
        target = step.readlink()
        left = [*_parts(target), *left]
        found = Path(target.anchor) if target.anchor else found
    return found


def _parts(path: Path) -> list[str]:
    return [*path.parts[1 if path.anchor else 0 :]]
