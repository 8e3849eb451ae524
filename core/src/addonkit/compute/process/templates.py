"""Prepared disks that are copied for new servers. Blocking.

A template is a directory `<key>` with the data and a seal: the fingerprint of the data as they were when it was made.
It is there as a whole or not at all. One whose data differ from its seal is thrown away and made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from addonkit.compute.process.programs import executable
from addonkit.compute.process.user import ServiceUser, chown
from addonkit.errors import InvalidInput
from addonkit.models.compute import DiskTemplate, Program
from addonkit.models.secret import reveal
from addonkit.util.file_trees import copy_tree, fingerprint, sync_file_system
from addonkit.util.files import make_directory, remove_tree, replace_private, sync_directory

SETTING: Final = "ADDONKIT_TEMPLATES"
"""A directory of one's own that homes share, for those that live shortly."""

_SEAL: Final = "seal"
_UNUSED: Final = 30 * 86400.0
"""Seconds after which a template that was not copied makes room for others."""


class Templates:
    """Templates below a directory that only the owner of the home can write."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def data(self, key: str) -> Path:
        """Return the data of a template."""
        return self._directory / key / "data"

    def lock(self, key: str) -> Path:
        """Return the file that is locked while a template is made, in a directory that users of servers can pass."""
        make_directory(self._directory, 0o711, parents=0o711)
        return self._directory / f"{key}.lock"

    def copy(self, key: str, target: Path, user: ServiceUser | None) -> bool:
        """Copy a template into an empty directory, for a user; False when there is none that is whole.

        The directory is empty then.
        """
        seal = self._seal(key)
        if not seal:
            return False
        try:
            copied = copy_tree(self.data(key), target, (user.uid, user.gid) if user else None)
        except OSError:
            _empty(target)
            if self._is_whole(key):
                raise  # the fault is with the target
            copied = ""
        if copied == seal:
            os.utime(self._directory / key / _SEAL)
            return True
        _empty(target)
        if not self._is_whole(key):
            self._discard(key)
        return False

    def draft(self, key: str, user: ServiceUser | None) -> Path:
        """Return an empty directory for a user to prepare, as data of a template."""
        self.discard_drafts(key)
        draft = self._directory / f".{key}-{secrets.token_hex(4)}"
        make_directory(draft, 0o711)
        data = draft / "data"
        data.mkdir(mode=0o700)
        chown(user, data)
        return data

    def keep(self, key: str, data: Path) -> None:
        """Make a draft the template: ours alone, sealed, on the disk."""
        _take_over(data)
        draft = data.parent
        draft.chmod(0o700)
        sync_file_system(draft)
        replace_private(draft / _SEAL, fingerprint(data).encode())
        sync_directory(draft)
        self._discard(key)
        draft.rename(self._directory / key)
        sync_directory(self._directory)
        self._discard_unused()

    def discard_drafts(self, key: str) -> None:
        """Remove what was not completed. The caller holds the lock."""
        for draft in self._directory.glob(f".{key}-*"):
            remove_tree(draft)

    def _seal(self, key: str) -> str:
        try:
            return (self._directory / key / _SEAL).read_text()
        except FileNotFoundError:
            return ""

    def _is_whole(self, key: str) -> bool:
        try:
            return fingerprint(self.data(key)) == self._seal(key)
        except OSError:
            return False

    def _discard(self, key: str) -> None:
        """Remove a template; its name is free at once."""
        doomed = self._directory / f".{key}-{secrets.token_hex(4)}"
        try:
            (self._directory / key).rename(doomed)
        except FileNotFoundError:
            return
        remove_tree(doomed)

    def _discard_unused(self) -> None:
        for seal in self._directory.glob(f"*/{_SEAL}"):
            if time.time() - seal.stat().st_mtime > _UNUSED:
                self._discard(seal.parent.name)


def templates_of(home: Path, environ: Mapping[str, str]) -> Templates:
    """Return the templates of a home, or those that it shares with others.

    Raises:
        InvalidInput: the directory that is to be shared is not there, or other users can write it.
    """
    shared = environ.get(SETTING, "")
    if not shared:
        return Templates(home / "templates")
    try:
        status = os.stat(shared)  # noqa: PTH116
    except OSError as error:
        raise InvalidInput(f"cannot use {shared!r} from {SETTING}", str(error), "make the directory first") from error
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        found = "it belongs to another user, or other users can write it"
        raise InvalidInput(f"cannot use {shared!r} from {SETTING}", found, "use a directory of your own")
    return Templates(Path(shared))


def template_key(template: DiskTemplate, program: Program, folder: Path) -> str:
    """Return a name for what a template follows from: the program's very files, commands, settings."""
    builds = []
    for name in program.source.executables:
        path = executable(folder, name)
        if path is not None:
            status = path.stat()
            builds.append((str(path), status.st_size, status.st_mtime_ns))
    settings = [
        template.prepare,
        [(file.path, reveal(file.content)) for file in template.files],
        sorted((name, reveal(value)) for name, value in program.env.items()),
        template.adapt,
    ]
    return hashlib.sha256(json.dumps([program.version, builds, settings]).encode()).hexdigest()[:32]


def _take_over(data: Path) -> None:
    """Give a tree that another user made to ourselves; the top first, so that the user cannot get in any more."""
    uid, gid = os.geteuid(), os.getegid()
    if data.lstat().st_uid == uid:
        return
    os.chown(data, uid, gid, follow_symlinks=False)
    for _, folders, names, descriptor in os.fwalk(data):
        for name in (*folders, *names):
            os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)


def _empty(directory: Path) -> None:
    for each in directory.iterdir():
        if each.is_dir() and not each.is_symlink():
            remove_tree(each)
        else:
            each.unlink(missing_ok=True)
