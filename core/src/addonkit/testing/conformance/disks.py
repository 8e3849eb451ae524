"""Checks of where a server keeps what it was given: on its disk, and nowhere else."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from addonkit.compute.process.disk_records import MARK
from addonkit.kit.kit import Kit
from addonkit.models.identifiers import new_id
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.audit_hooks import now
from addonkit.testing.conformance.files import temporary_below, text_of
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.home import server_processes

if TYPE_CHECKING:
    from addonkit.models.views import ServerTarget

_MANY: Final = 30
"""Values that are written right before a stop."""


class DiskChecks:
    """On servers of the process backend, which the kit can look at from outside."""

    @synchronous
    async def test_a_graceful_stop_loses_nothing(self, rig: Rig, variant: str) -> None:
        """What was acknowledged before `stop` is there after `start`; a server ends when it is asked to."""
        async with rig.kit() as kit:
            environ = await _create_persistent(rig, kit, variant)
            for number in range(_MANY):
                await rig.write(environ, f"value {number}", f"key-{number}")
            for target in await kit.servers():
                await _stop(kit, target)
                await kit.start(target)
            for number in range(_MANY):
                await rig.expect(environ, f"value {number}", "written right before a stop", f"key-{number}")
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_data_live_on_the_disk(self, rig: Rig, variant: str) -> None:
        """The run directory may go while a server is stopped; the data stay."""
        async with rig.kit() as kit:
            environ = await _create_persistent(rig, kit, variant)
            await rig.write(environ, "kept")
            targets = await kit.servers()
            for target in targets:
                await kit.stop(target)
            used = [path for path in rig.home.glob("disks/*/data/**/*") if path.is_file() and path.name != MARK]
            require(used, "its disk is empty after an app wrote something", "keep the data below {disk}")
            for place in rig.home.glob("pools/*/run"):
                shutil.rmtree(place)
            for target in targets:
                await kit.start(target)
            require(
                not await rig.is_refused(environ, "kept"),
                "data, or the login, are gone with the run directory, which was removed while the server was stopped",
                "keep below {disk} what is to stay; {run} holds what is made anew at each start",
            )
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    @synchronous
    async def test_nothing_is_written_elsewhere(self, rig: Rig, variant: str) -> None:
        """Data are below the disk and the run directory, not among temporary files."""
        marker, began = f"marker{new_id()}{new_id()}", now()
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            if not await kit.backend.pools_here():
                await rig.destroy(kit, "shop")
                not_applicable("it runs no server here")
            await rig.write(environ, marker)
            written = [path for path in temporary_below(began, rig.home) if marker in text_of(path)]
            opened = [path for pid in server_processes(rig.home) for path in _opened(pid, rig.home)]
            strange = sorted({str(path) for path in (*written, *opened)})
            require(
                not strange,
                f"its server writes {', '.join(strange)}",
                "let every path begin with {disk}, {run} or {sockets}; set TMPDIR to one of them",
            )
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


async def _stop(kit: Kit, target: ServerTarget) -> None:
    """Stop a server; one that had to be ended by force took longer than its program grants."""
    program = (await kit.framework.wait_for_pool(target.server)).spec.program
    began = time.monotonic()
    await kit.stop(target)
    took = time.monotonic() - began
    require(
        program is None or took < program.stop_timeout,
        f"its server goes on after {program and program.stop_signal}: it was ended by force, {took:.0f} s later",
        "let the server end on `stop_signal` of its Program; set `stop_timeout` to the seconds that it may take",
    )


async def _create_persistent(rig: Rig, kit: Kit, variant: str) -> dict[str, str]:
    if not rig.under_test.is_persistent(variant):
        not_applicable("its variant promises no storage")
    environ = await rig.create(kit, variant, "shop")
    if not await kit.backend.pools_here():
        await rig.destroy(kit, "shop")
        not_applicable("it runs no server here")
    return environ


def _opened(pid: int, home: Path) -> Iterator[Path]:
    """Yield regular files elsewhere that a server or a helper of it has open for writing."""
    with suppress(psutil.Error):
        server = psutil.Process(pid)
        for process in (server, *server.children(recursive=True)):
            with suppress(psutil.Error):
                for each in process.open_files():
                    path = Path(each.path)
                    if each.mode != "r" and path.is_file() and not path.is_relative_to(home.resolve()):
                        yield path
