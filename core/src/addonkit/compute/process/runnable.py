"""Lists the programs of this machine that servers can run with, and the ones that a start would take."""

from __future__ import annotations

from pathlib import Path

from addonkit.compute.process.programs import Programs, executable, how_to_get
from addonkit.compute.process.running_program import runs_another
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
    if not runs_another(pid, program.source, folder):
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
