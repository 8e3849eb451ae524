"""Notes for the next `list` or `show` what this one has found of addons and programs; see installed_cache."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from addonkit.cli.installed_cache import Installed, addon_key, program_key, save_installed
from addonkit.cli.server_states import RUNNING
from addonkit.cli.state_reader import open_state
from addonkit.errors import AddonkitError

if TYPE_CHECKING:
    from addonkit.compute.process.backend import ProcessBackend
    from addonkit.kit.kit import Kit
    from addonkit.models.views import InstanceView


def note_installed(kit: Kit, views: Iterable[InstanceView]) -> None:
    """Note which addons can be used and which programs are installed. What cannot be noted is looked for again."""
    from addonkit.compute.process.backend import ProcessBackend

    if isinstance(kit.backend, ProcessBackend):
        with suppress(AddonkitError, OSError, ValueError):
            _note(kit, kit.backend, tuple(views))


def _note(kit: Kit, backend: ProcessBackend, views: tuple[InstanceView, ...]) -> None:
    usable = [view.instance for view in views if view.addon_state == "ok"]
    addons = frozenset(addon_key(each.addon, each.distribution) for each in usable)
    servers = {view.server.id for view in views if view.server is not None and view.server_state == RUNNING}
    programs, files = _programs(kit, backend, servers)
    save_installed(kit.home, Installed(addons, programs), files)


def _programs(kit: Kit, backend: ProcessBackend, servers: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return the installed executable of each server's program, and what that depends on."""
    from addonkit.models.definition import ProgramSource
    from addonkit.store.codec import structure

    found: dict[str, str] = {}
    files: list[str] = []
    with open_state(str(kit.home)) as reader:
        for server in servers if reader is not None else ():
            pool = reader.get("pool", server) if reader is not None else None
            program = pool["spec"]["program"] if pool else None
            if program is None or program_key(program) in found:
                continue
            source: ProgramSource = structure(program["source"], ProgramSource)
            found[program_key(program)], evidence = backend.installed_program(source, program["version"])
            files += evidence
    return found, files
