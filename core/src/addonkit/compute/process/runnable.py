"""Lists the programs of this machine that servers can run with, and the ones that a start would take."""

from __future__ import annotations

import os
from pathlib import Path

from addonkit.compute.process.programs import Programs, executable, how_to_get
from addonkit.compute.process.versions import describe, matches, requested_version, shorten
from addonkit.errors import ComputeError, ProgramNotFound, UnknownVersion
from addonkit.models.compute import Program
from addonkit.models.definition import AddonDefinition, ProgramSource


def runnable_version(programs: Programs, definition: AddonDefinition, requested: str) -> str:
    """Return the version that a request gets, in its precision, so that minor upgrades are picked up.

    Raises:
        ProgramNotFound: there is no program for it.
        UnknownVersion: there is none of that version.
    """
    program = definition.program
    versions = [found.version for found in programs.find(program)] if program else []
    attempted = f"cannot run {definition.name} {requested}".rstrip()
    if program is None or not versions:
        unusable = "; ".join(programs.faults(program)) if program else ""
        kind = " with TLS" if program and program.needs_tls else ""
        raise ProgramNotFound(
            attempted,
            f"no program for it{kind} that can be used was found on this machine{f' ({unusable})' if unusable else ''}",
            how_to_get(program),
        )
    wanted = requested_version(requested) if requested else definition.default_version
    if wanted and any(matches(version, wanted) for version in versions):
        return wanted
    if not requested:
        return shorten(versions[0], like=definition.default_version)
    found = "; ".join((f"versions found here: {describe(versions)}", *programs.faults(program)))
    advice = "choose one with --version"
    if program.needs_tls:
        advice = f"{advice}, or {how_to_get(program)}"
    raise UnknownVersion(attempted, found, advice)


def newer_version(programs: Programs, pid: int, program: Program) -> str:
    """Return the version that a start would run instead of what a process runs; empty for the same."""
    try:
        folder = programs.resolve(program.source, program.version)
    except ComputeError:
        return ""  # the next start of the server reports it
    if not _runs_another(pid, program.source, folder):
        return ""
    found = programs.find(program.source)
    return next((each.version for each in found if Path(each.directory) == folder), program.version)


def installed_executable(programs: Programs, program: ProgramSource, version: str) -> tuple[str, tuple[str, ...]]:
    """Return the executable that a start would take now, empty for none, and what that depends on.

    Returns:
        Its path, and paths of files and directories: while none of them changes, the answer stays the same.
    """
    try:
        folder = programs.resolve(program, version)
    except ComputeError:
        return "", programs.evidence(program)
    return str(executable(folder, program.executables[0]) or ""), programs.evidence(program)


def _runs_another(pid: int, source: ProgramSource, installed: Path) -> bool:
    """Return whether a process runs another file than the executable that is installed now. Blocking.

    An upgrade replaces the file, or puts another one beside it; a running process keeps the one that it was started
    from. Returns False where that cannot be seen, as of another user's process, or of one that is no server.

    Args:
        pid: of the server.
        source: names its executables, the server's own first.
        installed: the directory that a start would take them from.
    """
    program = executable(installed, source.executables[0])
    link = f"/proc/{pid}/exe"
    try:
        if program is None or not _is_named(os.readlink(link), source):  # noqa: PTH115 - the path need not exist
            return False
        return not os.path.samestat(os.stat(link), program.stat())  # noqa: PTH116 - of a file that may be deleted
    except OSError:
        return False


def _is_named(path: str, source: ProgramSource) -> bool:
    """Return whether it is the server itself: an interpreter that runs a script has a name of its own."""
    return Path(path.removesuffix(" (deleted)")).name in source.executables[0].split("|")
