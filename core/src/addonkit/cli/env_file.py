"""The environment of an app as a file for other programs."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from addonkit.cli.env_formats import render
from addonkit.errors import AddonkitError, Busy, InvalidInput
from addonkit.util.files import replace_private

if TYPE_CHECKING:
    from addonkit.models.views import Environment

_LINKS_MAX: Final = 40
"""Symbolic links that are followed, as many as the kernel does."""


def export(environment: Environment, env_format: str, *, reveal: bool) -> str:
    """The whole environment in a format: never a part of it, never with placeholders for secrets.

    Raises:
        InvalidInput: it holds secrets and they may not be shown.
        Busy: some of its variables are not there yet.
        UnwritableValue: the format cannot hold a value.
    """
    attempted = f"cannot write the environment of {environment.app} as {env_format}"
    secret = [entry.variable.key for entry in environment.entries if entry.variable.sensitive]
    for name in environment.pending:
        raise Busy(attempted, f"the variables of {name} are not there yet", f"run `addonkit retry {name}` to continue")
    if secret and not reveal:
        raise InvalidInput(attempted, f"it holds secrets ({', '.join(secret)})", "add --reveal to write them")
    return render(env_format, environment.as_dict(), environment.unset)


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
