"""Remembers which addons and programs were found installed, until any of that may differ.

An import shows whether an addon can be used. Asking all installed programs for their versions shows whether a server
runs the newest. The home remembers both, with size, time and inode of every file that the answers came from. A file
that differs, a new file in a directory or another environment ends that.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "installed.json"

_VARIABLES: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "ADDONKIT_BLOCK", "ADDONKIT_PROGRAMS", "ADDONKIT_SERVICE_USER")
"""What the environment says of addons and programs."""

_RECENT: Final = 1_000_000_000
"""Nanoseconds within which a file may be changed twice and show one time."""

Mark = Sequence[int] | None
"""Time, size and inode of a file; None for one that does not exist."""


class Installed(NamedTuple):
    """The addons and programs that were found installed.

    Attributes:
        addons: `addon distribution` of those that can be used.
        programs: `program_key` to the executable that a start of the server would take; empty for none.
    """

    addons: frozenset[str] = frozenset()
    programs: Mapping[str, str] = {}


def addon_key(addon: str, distribution: str) -> str:
    """Return the name of an addon of a distribution."""
    return f"{addon} {distribution}"


def program_key(program: Mapping[str, Any]) -> str:
    """Return the name of a server's program as its pool's entity describes it: where it is found, and its version."""
    return json.dumps([program["source"], program["version"]], sort_keys=True)


def load_installed(home: Path) -> Installed | None:
    """Return what is remembered, or None when nothing is, or something has changed since."""
    try:
        known = json.loads((home / FILE).read_bytes())
        if known["environment"] != _environment() or any(_mark(path) != mark for path, mark in known["files"].items()):
            return None
        return Installed(frozenset(known["addons"]), dict(known["programs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save_installed(home: Path, found: Installed, files: Iterable[str]) -> None:
    """Remember what was found, beside what is remembered already. Does nothing when a file changed a moment ago.

    Args:
        home: the directory that holds everything.
        found: what was found.
        files: that the programs were found by; directories and paths where nothing is included. What addons are
            made of is added: this process has imported them.
    """
    from addonkit.kit.home_owner import give_back
    from addonkit.util.files import replace_private

    former = load_installed(home)
    if former is not None:
        if found.addons <= former.addons and found.programs.items() <= former.programs.items():
            return
        found = Installed(found.addons | former.addons, {**former.programs, **found.programs})
        files = (*files, *json.loads((home / FILE).read_bytes())["files"])
    marks = {path: _mark(path) for path in sorted({*files, *_code()})}
    if any(mark and mark[0] > time.time_ns() - _RECENT for mark in marks.values()):
        return
    document = {
        "environment": _environment(),
        "files": marks,
        "addons": sorted(found.addons),
        "programs": dict(found.programs),
    }
    replace_private(home / FILE, json.dumps(document).encode())
    give_back(home)


def _environment() -> list[Any]:
    given = [os.environ.get(name) for name in _VARIABLES]
    return [sys.version, sys.executable, sys.path, os.geteuid(), given]


def _mark(path: str) -> Mark:
    try:
        status = os.stat(path)  # noqa: PTH116 - hundreds of them, for a command that is to be quick
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_ino]


def _code() -> Iterable[str]:
    """Return files that this process has imported, and directories where distributions are installed."""
    standard = f"{os.path.dirname(os.__file__)}/"  # noqa: PTH120 - a text to compare with
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None)
        if file and (not file.startswith(standard) or "-packages/" in file):
            yield file
    for directory in sys.path:
        yield directory or "."
        try:
            names = os.listdir(directory or ".")  # noqa: PTH208 - names are all that is needed
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield from _metadata(f"{directory or '.'}/{name}")


def _metadata(distribution: str) -> Iterable[str]:
    """Return the directory of a distribution; the files in it too when it brings something for addonkit."""
    yield distribution
    try:
        with open(f"{distribution}/entry_points.txt", "rb") as file:  # noqa: PTH123 - hundreds of them
            ours = b"addonkit." in file.read()
    except OSError:
        return
    if ours:
        yield f"{distribution}/entry_points.txt"
        yield f"{distribution}/METADATA"
