"""Turns the empty disk of a server into a usable one. A program with a template gets a copy of it."""

from __future__ import annotations

import importlib
import logging
import os
import pwd
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process.commands import run
from addonkit.compute.process.disk_records import MARK
from addonkit.compute.process.disks import Disks
from addonkit.compute.process.launch_request import LaunchRequest, send_request
from addonkit.compute.process.lock import locked
from addonkit.compute.process.logs import last_words, tail
from addonkit.compute.process.placeholders import Placeholders
from addonkit.compute.process.start import LaunchPlan
from addonkit.compute.process.templates import Templates, template_key
from addonkit.compute.process.user import ServiceUser, chown, hand_over
from addonkit.errors import PoolCrashed
from addonkit.models.compute import DiskTemplate, File
from addonkit.models.secret import reveal
from addonkit.util.concurrency import finish
from addonkit.util.file_trees import give_tree, sync_file_system
from addonkit.util.files import sync_directory

PREPARE_LIMIT: Final = 240.0
"""Seconds that preparing a disk may take."""

LONGEST_PREPARATION: Final = 1024 * 1024
"""Bytes of what former preparations said that are kept."""

_SHOWN: Final = 100
"""Lines of what a command that prepares a disk said, for authors."""

_log: Final = logging.getLogger(__name__)


async def prepare_disk(plan: LaunchPlan, disks: Disks, templates: Templates, disk: str, lock: int) -> None:
    """Turn an empty disk into a usable one, in a draft that becomes the disk's data at the end.

    A disk that holds data is left as it is; one that held data before and lost them is refused.

    Raises:
        PoolCrashed: a command fails, with the end of its output; or the data of the disk are not in their place.
    """
    disks.check(disk, plan.attempted)
    if not disks.is_prepared(disk):
        await _prepare_draft(plan, disks, templates, disk, lock)
    elif not (disks.data(disk) / MARK).exists():
        await finish(disks.mark, disk, disks.data(disk))
    await finish(disks.remember, disk, disks.recall(disk).files)


async def work_before_start(plan: LaunchPlan, disks: Disks, disk: str, lock: int) -> None:
    """Run what is to be run on a disk before the start, as the user who prepares; the disk is theirs meanwhile.

    Raises:
        PoolCrashed: a command fails, with the end of its output.
    """
    if not plan.program.before_start:
        return
    data = disks.data(disk)
    work = attrs.evolve(plan, program=attrs.evolve(plan.program, prepare=plan.program.before_start))
    try:
        if plan.preparer is not None:
            await finish(hand_over, data, plan.preparer)
        await _prepare(work, data, lock)
    finally:
        if plan.user is not None:
            await finish(hand_over, data, plan.user)


async def _prepare_draft(plan: LaunchPlan, disks: Disks, templates: Templates, disk: str, lock: int) -> None:
    try:
        draft = await _from_template(plan, disks, templates, disk, lock)
        if draft is None:
            draft = await finish(disks.draft, disk)
            await _prepare(plan, draft, lock)
            if plan.user is not None:
                await finish(hand_over, draft, plan.user)
        await finish(disks.mark, disk, draft)
        draft.rename(disks.data(disk))
        sync_directory(disks.path(disk))
    except BaseException:
        await finish(disks.discard_drafts, disk)
        raise


async def _prepare(plan: LaunchPlan, draft: Path, lock: int) -> None:
    """Run the commands that prepare a disk, as the user who prepares, while their files are there.

    The private directory is theirs meanwhile.
    """
    placeholders, files = attrs.evolve(plan.placeholders, disk=draft), plan.program.prepare_files
    try:
        chown(plan.preparer, draft)
        chown(plan.preparer, plan.run)
        try:
            await _write(plan, placeholders, lock, write=files)
            for argv in plan.program.prepare:
                await _run(plan, placeholders, plan.command(argv, placeholders), lock)
        finally:
            await _write(plan, placeholders, lock, remove=files)
    finally:
        if plan.user is not None:
            await finish(hand_over, plan.run, plan.user)


async def _write(
    plan: LaunchPlan,
    placeholders: Placeholders,
    lock: int,
    write: tuple[File, ...] = (),
    remove: tuple[File, ...] = (),
) -> None:
    if not (write or remove):
        return
    fault = await finish(
        send_request, LaunchRequest(plan.preparer, placeholders, write=write, remove=remove), (lock, *plan.locks)
    )
    if fault:
        raise PoolCrashed(f"preparing the disk of {plan.pool.name}", fault)


async def _run(plan: LaunchPlan, placeholders: Placeholders, command: list[str], lock: int) -> None:
    said = plan.log.with_name("prepare.log")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(said, flags, 0o600)
    if os.fstat(descriptor).st_size > LONGEST_PREPARATION:
        os.ftruncate(descriptor, 0)
    with os.fdopen(descriptor, "wb") as log:
        result = await run(
            command,
            env=plan.environment(),
            cwd=placeholders.disk,
            user=plan.preparer,
            timeout=PREPARE_LIMIT,
            keep_open=(lock, *plan.locks),
            output=log,
        )
    if result.status:
        error = PoolCrashed(
            f"preparing the disk of {plan.pool.name}",
            f"{Path(command[0]).name} ended with status {result.status}: {last_words(said)}",
            _user_advice(plan.preparer),
        )
        # The reason often stands well before the end; `-v` and the conformance kit show notes.
        error.add_note(f"{Path(command[0]).name} said at its end:\n{tail(said, _SHOWN)}")
        raise error


async def _from_template(plan: LaunchPlan, disks: Disks, templates: Templates, disk: str, lock: int) -> Path | None:
    """Return a draft with a copy of the template that is this server's own; None when there is none, or it fails.

    A template saves time: whatever is wrong with it, the disk is prepared without one.
    """
    template = plan.program.template
    if template is None:
        return None
    draft = await finish(disks.draft, disk)
    try:
        await _copy(plan, template, templates, draft, lock)
        await finish(_adapt, plan, template, draft)
    except Exception as error:  # noqa: BLE001 - an addon's own function may raise anything
        _log.warning("server %s is prepared without a template: %s", plan.pool.name, error)
        return None
    return draft


async def _copy(plan: LaunchPlan, template: DiskTemplate, templates: Templates, draft: Path, lock: int) -> None:
    """Copy the template, which is made if there is none that is whole; by one process, for all."""
    key = await finish(template_key, template, plan.program, plan.bin)
    if await finish(templates.copy, key, draft, plan.user):
        return
    async with locked(templates.lock(key), lambda: plan.user) as making:
        if await finish(templates.copy, key, draft, plan.user):
            return
        await _make(plan, template, templates, key, (lock, making))
        if not await finish(templates.copy, key, draft, plan.user):
            raise OSError(f"what was made at {templates.data(key)} changes")


async def _make(
    plan: LaunchPlan, template: DiskTemplate, templates: Templates, key: str, locks: tuple[int, int]
) -> None:
    program = attrs.evolve(plan.program, prepare=template.prepare, prepare_files=template.files)
    pool_lock, making = locks
    whole = attrs.evolve(plan, program=program, locks=(*plan.locks, pool_lock))
    draft = await finish(templates.draft, key, plan.preparer)
    try:
        await _prepare(whole, draft, making)
        await finish(templates.keep, key, draft)
    finally:
        await finish(templates.discard_drafts, key)


def _adapt(plan: LaunchPlan, template: DiskTemplate, draft: Path) -> None:
    """Let the addon make a copy one server's own; then give it to the server, durable."""
    if template.adapt:
        module, _, name = template.adapt.partition(":")
        values = {key: reveal(value) for key, value in template.values.items()}
        getattr(importlib.import_module(module), name)(draft, values)
    if plan.user is not None:
        give_tree(draft, (plan.user.uid, plan.user.gid))
    sync_file_system(draft)


def _user_advice(user: ServiceUser | None) -> str:
    """Return what to do where the user is root, or has no passwd entry. Containers often run as such a uid."""
    uid = user.uid if user else os.geteuid()
    if uid == 0:
        return "here root is the only user, whom some servers refuse; run the command as another user"
    try:
        pwd.getpwuid(uid)
    except KeyError:
        problem = f"uid {uid} has no passwd entry, which some servers need"
        if user:
            return f"{problem}; its addon can say so by `named_user` of its Program"
        return f"{problem}; add `addonkit:x:{uid}:0::/:/bin/sh` to /etc/passwd"
    return ""
