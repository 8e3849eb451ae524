"""Files that only their owner reads, made whole or not at all; directories with exactly the mode that is wanted."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def create_private(path: Path, content: bytes) -> bool:
    """Make a file of mode 0600 with this content; False when there is one already.

    Of several processes that do this at once exactly one succeeds, and none ever sees a part of the content.

    Raises:
        OSError: when it cannot be made.
    """
    try:
        with _appearing(path) as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Replace a file, or make it, with mode 0600: a reader sees the old content or the new, whole.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    _replace(path, content, 0o600)


def replace_open(path: Path, content: bytes) -> None:
    """Replace a file that others may read, or make it, with what the umask leaves of mode 0666.

    A symlink of that name is replaced itself: nothing is written where it leads.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    _replace(path, content, 0o666)


def _replace(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def copy_private(source: Path, target: Path) -> None:
    """Copy a file to a new name with mode 0600.

    Raises:
        OSError: when it cannot be made; FileExistsError when the name is taken.
    """
    import shutil  # brings archives along: most commands copy nothing

    with source.open("rb") as original, _appearing(target) as file:
        shutil.copyfileobj(original, file)


def make_private(path: Path) -> None:
    """Take the rights of others from a file, when it is ours and there."""
    try:
        status = path.stat()
        if status.st_mode & 0o077 and os.geteuid() in {0, status.st_uid}:
            path.chmod(0o600)
    except FileNotFoundError:
        return


def make_directory(path: Path, mode: int, *, parents: int | None = None) -> None:
    """Make a directory with exactly this mode, whatever the umask. Does nothing when it exists.

    Args:
        path: of the directory.
        mode: its permission bits; those of a directory that exists are not changed.
        parents: mode of parents that are missing; None makes none.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    if parents is not None and not path.parent.exists():
        make_directory(path.parent, parents, parents=parents)
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    path.chmod(mode)


_REMOVERS: Final = 20
"""Rounds of a removal: each may meet another process that removes the same directory."""


def remove_tree(path: Path) -> str:
    """Remove a directory with all that is in it; what cannot be removed stays. Blocking.

    Directories of any depth are removed without recursion: what is further in is moved up first. Follows no links.

    Returns:
        Empty when all is gone, else the first thing that stays and why.
    """
    for _ in range(_REMOVERS):
        left = _remove_once(path)
        if left is not None:
            return left
    return f"{path}: other processes write in it"


def _remove_once(path: Path) -> str | None:
    """Return one round; None when another process that removes or writes here made another round necessary."""
    try:
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path}: {error.strerror}"
    stuck: dict[str, str] = {}
    try:
        while names := [name for name in os.listdir(top) if name not in stuck]:  # noqa: PTH208 - takes a descriptor
            for name in names:
                _remove_entry(top, name, stuck)
        for name in set(stuck) - set(os.listdir(top)):  # noqa: PTH208 - what another process has removed meanwhile
            del stuck[name]
    finally:
        os.close(top)
    if stuck:
        name, reason = next(iter(stuck.items()))
        return f"{path / name}{reason}"
    try:
        path.rmdir()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return None if error.errno == errno.ENOTEMPTY else f"{path}: {error.strerror}"
    return ""


def _remove_entry(top: int, name: str, stuck: dict[str, str]) -> None:
    """Remove one entry of the top directory; a directory's own directories become entries of the top."""
    try:
        if stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
            _empty(top, name)
            os.rmdir(name, dir_fd=top)
        else:
            os.unlink(name, dir_fd=top)
    except FileNotFoundError:
        return
    except OSError as error:
        inside = f"/{error.filename}" if isinstance(error.filename, str) and error.filename != name else ""
        stuck[name] = f"{inside}: {error.strerror}"


def _empty(top: int, name: str) -> None:
    directory = _open_directory(top, name)
    first: OSError | None = None
    try:
        for inner in os.listdir(directory):  # noqa: PTH208 - takes a descriptor
            try:
                if stat.S_ISDIR(os.lstat(inner, dir_fd=directory).st_mode):
                    os.rename(inner, os.urandom(8).hex(), src_dir_fd=directory, dst_dir_fd=top)
                else:
                    os.unlink(inner, dir_fd=directory)
            except FileNotFoundError:
                continue
            except OSError as error:
                first = first or error
    finally:
        os.close(directory)
    if first is not None:
        raise first


def _open_directory(top: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=top)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=top)
        return os.open(name, flags, dir_fd=top)


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to be written under another name, which appears as `path` when all of it is on disk."""
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Return when the names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
