"""Starts the server of a pool, and ends it with all that works in its disks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from addonkit.compute.process.disk_lock import is_held, take
from addonkit.compute.process.identity import is_running
from addonkit.compute.process.layout import Layout, check_name, program_of
from addonkit.compute.process.liveness import ELSEWHERE, STOP_THERE, Liveness
from addonkit.compute.process.open_files import having_open
from addonkit.compute.process.placeholders import Placeholders
from addonkit.compute.process.ports import Ports
from addonkit.compute.process.prepare import prepare_disk, work_before_start
from addonkit.compute.process.programs import Programs
from addonkit.compute.process.record import RunRecord
from addonkit.compute.process.start import LaunchPlan, kept_files, launch
from addonkit.compute.process.stop import Terminator
from addonkit.compute.process.templates import Templates
from addonkit.compute.process.user import ServiceUser, hand_over
from addonkit.errors import PoolCrashed
from addonkit.models.compute import Pool, Program
from addonkit.util.concurrency import finish
from addonkit.util.files import make_directory
from addonkit.util.home_identity import home_id

TAKE_LIMIT: Final = 1.0
"""Seconds to wait for a lock that other commands look at for moments."""

LEFTOVERS_LIMIT: Final = 3.0
"""Seconds that children of a dead server have to notice and end, before they are killed."""


class Starter:
    """Works on one pool at a time, whose lock the caller holds."""

    def __init__(self, layout: Layout, programs: Programs, ports: Ports, templates: Templates) -> None:
        self._layout = layout
        self._disks = layout.disks
        self._users = layout.users
        self._programs = programs
        self._ports = ports
        self._templates = templates

    async def start(self, pool: Pool, former: RunRecord | None, lock: int) -> None:
        """Start a server on its disks, which are prepared first when they are new.

        Args:
            pool: whose server.
            former: which process its server was before; None for the first start.
            lock: descriptor of the pool's lock, which the launcher inherits.

        Raises:
            PoolCrashed: another process has its disk or its port, its data are gone, or it ended at once.
        """
        attempted = f"starting server {pool.name}"
        disks = [check_name(volume.disk) for volume in pool.spec.volumes]
        for disk in disks:
            self._disks.check(disk, attempted)
        make_directory(self._layout.pool(pool.name), 0o711, parents=0o711)
        if former is not None:
            terminator, locks = self._terminator(former, pool.name), self._layout.server_locks(former.disks, pool.name)
            if not is_running(former.server):  # one that runs all the same is that of the home this one is a copy of
                await terminator.clear(former.server)
            await terminator.free(locks, LEFTOVERS_LIMIT)
        held = await take_all(*self._layout.server_locks(disks, pool.name))
        if held is None:
            raise await _taken(attempted, self._layout.server_locks(disks, pool.name), self._layout.user_of(pool))
        try:
            await finish(self._give_user, pool, disks)
            plan = await self.plan(pool, held)
            for disk in disks:
                await prepare_disk(plan, self._disks, self._templates, disk, lock)
            for disk in disks[:1]:
                await work_before_start(plan, self._disks, disk, lock)
            taken = await finish(self._ports.reacquire, pool.name, pool.ports.values())
            if taken is not None:
                raise PoolCrashed(
                    attempted,
                    f"another process listens on its port {taken}",
                    "end that process; the port is part of URLs",
                )
            await launch(plan, lock)
            if disks:
                await finish(self._disks.remember, disks[0], kept_files(plan.program))
        finally:
            for descriptor in held:
                os.close(descriptor)

    async def plan(self, pool: Pool, locks: tuple[int, ...] = ()) -> LaunchPlan:
        """Return how a pool's programs are run: which, as whom, where, and with which locks."""
        program = program_of(pool)
        folder = await asyncio.to_thread(self._programs.resolve, program.source, program.version)
        directory = self._layout.pool(pool.name)
        private, sockets = directory / "run", directory / "sockets"
        user = self._layout.user_of(pool)
        disk = self._disks.data(pool.spec.volumes[0].disk) if pool.spec.volumes else private
        placeholders = Placeholders(disk, private, sockets, pool.ports)
        return LaunchPlan(
            pool,
            program,
            folder,
            placeholders,
            private,
            self._layout.record_path(pool.name),
            directory / "log",
            user,
            self._users.named if program.named_user else user,
            home_id(self._layout.home),
            locks,
        )

    def _give_user(self, pool: Pool, disks: Sequence[str]) -> None:
        """Give a server that is about to start a user, and that user what the server works with."""
        self._users.check()
        directory = self._layout.pool(pool.name)
        run, sockets = directory / "run", directory / "sockets"
        make_directory(run, 0o700)
        make_directory(sockets, 0o711)
        owned, place = (disks[0], self._disks.data(disks[0])) if disks else (f"{pool.name}/run", run)
        user = self._users.choose(owned, place, named=program_of(pool).named_user == "always")
        for each in (*map(self._disks.data, disks), run, sockets):
            if user is not None and each.exists():
                hand_over(each, user)

    async def stop(self, record: RunRecord, pool: str, program: Program | None, liveness: Liveness) -> None:
        """End a server, and all that works in its disks. Does nothing to one that runs for another home.

        Args:
            record: of the server.
            pool: its name.
            program: what it runs; None where that is not known any more.
            liveness: what is known of the server. One that has ended for this home and runs is that of another home.
        """
        terminator = self._terminator(record, pool)
        locks = self._layout.server_locks(record.disks, pool)
        if liveness is Liveness.RUNS or not is_running(record.server):
            await terminator.stop(record.server, program, locks)
        await terminator.free(locks, LEFTOVERS_LIMIT)

    def _terminator(self, record: RunRecord, pool: str) -> Terminator:
        return Terminator(self._layout.home, self._layout.user_on(record.disks, pool))


async def take_all(*paths: Path) -> tuple[int, ...] | None:
    """Take locks, all or none of them; None when another process holds one."""
    taken: list[int] = []
    for path in paths:
        try:
            descriptor = await take(path, TAKE_LIMIT)
        except FileNotFoundError:  # the disk is gone
            continue
        if descriptor is None:
            for each in taken:
                os.close(each)
            return None
        taken.append(descriptor)
    return tuple(taken)


async def _taken(attempted: str, locks: Sequence[Path], user: ServiceUser | None) -> PoolCrashed:
    """Return why the locks of a server cannot be had."""
    for lock in locks:
        holders = await asyncio.to_thread(having_open, lock, user)
        if holders and is_held(lock):
            pid = holders[0]
            return PoolCrashed(attempted, f"process {pid} uses its disk already", f"end process {pid} first")
    return PoolCrashed(attempted, ELSEWHERE, STOP_THERE)
