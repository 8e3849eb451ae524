"""The directory that holds everything: state, key, servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from addonkit.errors import StoreCorrupted, StoreUnavailable

ROOT_HOME = Path("/var/lib/addonkit")
"""Home of root: its servers run as a service user, who has no way into /root."""


def find_home(given: str | os.PathLike[str] | None, environ: Mapping[str, str]) -> Path:
    """The home to use: the one given, else ADDONKIT_HOME, else the user's own (root: /var/lib/addonkit)."""
    chosen = given or environ.get("ADDONKIT_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return ROOT_HOME
    import platformdirs

    return platformdirs.user_data_path("addonkit")


def open_home(home: Path) -> Path:
    """Make the home if it is not there, private to its owner (root's can be passed through, not listed).

    Raises:
        StoreUnavailable: when it cannot be made, read or written.
    """
    attempted = f"cannot use {home} as home"
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        home.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(attempted, f"{error.strerror}", "set ADDONKIT_HOME to a directory you own") from error
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise StoreUnavailable(attempted, "it is not writable", "set ADDONKIT_HOME to a directory you own")
    _check_state(home)
    return home


def _check_state(home: Path) -> None:
    """An empty state file is that of a new home, unless there are data: then it was emptied by an accident.

    Raises:
        StoreCorrupted: when beginning anew would leave servers and their data without an owner.
    """
    state, disks = home / "state.db", home / "disks"
    if state.is_file() and not state.stat().st_size and disks.is_dir() and any(disks.iterdir()):
        raise StoreCorrupted(
            f"cannot open the state {state}",
            f"it is empty, and {disks} holds data",
            "restore a backup in its place, or remove it to begin anew",
        )
