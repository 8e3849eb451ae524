"""The directory that holds everything: state, key, servers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from addonkit.errors import Busy, HomeCopied, StoreCorrupted, StoreUnavailable
from addonkit.kit.home_owner import check_owner
from addonkit.util.file_locks import try_lock_file
from addonkit.util.files import make_directory
from addonkit.util.home_identity import Place, find_place, stamp

ROOT_HOME: Final = Path("/var/lib/addonkit")
"""Home of root: its servers run as a service user, who has no way into /root."""

_ADVICE: Final = "set ADDONKIT_HOME to a directory you own"


def find_home(given: str | os.PathLike[str] | None, environ: Mapping[str, str]) -> Path:
    """Return the home to use: the one given, else ADDONKIT_HOME, else the user's own (root: /var/lib/addonkit).

    Raises:
        StoreUnavailable: the home directory of the user is needed, and not known.
    """
    chosen = given or environ.get("ADDONKIT_HOME")
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        if os.geteuid() == 0:
            return ROOT_HOME
        import platformdirs

        return Path(os.path.abspath(platformdirs.user_data_path("addonkit").expanduser()))  # noqa: PTH100 - keeps links
    except FileNotFoundError as error:
        found = "the current directory does not exist any more"
        raise StoreUnavailable(
            f"cannot use {chosen} as home", found, "set ADDONKIT_HOME to an absolute path"
        ) from error
    except (RuntimeError, KeyError) as error:
        found = "the home directory of this user is not known: there is no HOME, and no passwd entry"
        raise StoreUnavailable(f"cannot use {chosen or 'the default home'}", found, "set ADDONKIT_HOME") from error


def open_home(home: Path, environ: Mapping[str, str] | None = None) -> str:
    """Make the home if it is not there, private to its owner (root's can be passed through, not listed).

    Args:
        home: absolute path.
        environ: settings; default is the process's.

    Returns:
        Where it was when it was opened last; empty when it was not moved since.

    Raises:
        StoreUnavailable: it cannot be made, read or written, or other users can write it.
        StoreCorrupted: its state is empty or gone, and there are data.
        HomeCopied: it is a copy of a home that is in its place.
    """
    _make(home)
    check_owner(home, os.environ if environ is None else environ)
    _check_state(home)
    return _check_place(home)


def is_in_order(home: Path, environ: Mapping[str, str]) -> bool:
    """Return whether a home is there, belongs to this user, and is where it was; changes nothing.

    Raises:
        StoreUnavailable: other users can write it.
    """
    check_owner(home, environ)
    return find_place(home)[0] is Place.SAME


@contextmanager
def held_home(home: Path, *, alone: bool = False) -> Iterator[None]:
    """Keep a home from being moved or adopted for the length of the block; with `alone`, from being used at all.

    Raises:
        Busy: it is being moved or adopted, or used.
    """
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not try_lock_file(descriptor, shared=not alone):
            found = "another command uses it" if alone else "it is being moved or adopted"
            raise Busy(f"cannot use {home} as home", found, "try again when that has ended")
        yield
    finally:
        os.close(descriptor)


def _make(home: Path) -> None:
    attempted = f"cannot use {home} as home"
    root = os.geteuid() == 0
    try:
        make_directory(home, 0o711 if root else 0o700, parents=0o711 if root else 0o700)
    except OSError as error:
        raise StoreUnavailable(attempted, f"{error.strerror}", _ADVICE) from error
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise StoreUnavailable(attempted, "it is not writable", _ADVICE)


def _check_place(home: Path) -> str:
    place, known = find_place(home)
    if place is Place.COPY and known is not None:
        raise HomeCopied(
            f"cannot use {home} as home",
            f"it is a copy of {known.path}, whose servers and data it would share",
            f"run `addonkit --home {home} home adopt` to make it a home of its own, or use {known.path}",
            original=known.path,
        )
    if place in {Place.NEW, Place.MOVED}:
        try:
            stamp(home, known.id if known else "")
        except OSError as error:
            raise StoreUnavailable(f"cannot use {home} as home", f"{error.strerror}", _ADVICE) from error
    return known.path if place is Place.MOVED and known else ""


def _check_state(home: Path) -> None:
    """Refuse an empty or missing state beside data: it was lost by an accident. Without data the home is new.

    Raises:
        StoreCorrupted: beginning anew would leave servers and their data without an owner.
    """
    state, disks = home / "state.db", home / "disks"
    missing = not state.exists()
    if (missing or (state.is_file() and not state.stat().st_size)) and disks.is_dir() and any(disks.iterdir()):
        raise StoreCorrupted(
            f"cannot open the state {state}",
            f"it is {'missing' if missing else 'empty'}, and {disks} holds data",
            f"restore a backup in its place, or move {disks} away to begin anew",
        )
