"""Turns the empty disk of a server into a usable one. A program with a template gets a copy of it."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process.disk_records import MARK
from addonkit.compute.process.disks import Disks
from addonkit.compute.process.lock import locked
from addonkit.compute.process.start import LaunchPlan, prepare_with_files
from addonkit.compute.process.templates import Templates, template_key
from addonkit.compute.process.user import chown, hand_over
from addonkit.models.compute import DiskTemplate
from addonkit.models.secret import reveal
from addonkit.util.concurrency import finish
from addonkit.util.file_trees import give_tree, sync_file_system
from addonkit.util.files import sync_directory

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
    """Run the commands that prepare a disk, as the user who prepares; the private directory is theirs meanwhile."""
    try:
        chown(plan.preparer, draft)
        chown(plan.preparer, plan.run)
        await prepare_with_files(plan, attrs.evolve(plan.placeholders, disk=draft), lock)
    finally:
        if plan.user is not None:
            await finish(hand_over, plan.run, plan.user)


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
    async with locked(templates.lock(key), plan.user) as making:
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
