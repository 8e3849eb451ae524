"""Finds the data that a command uses: those of the git branch that it runs on, for an app that has such."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from addonkit.cli.streams import clean, echo_err
from addonkit.errors import UnknownInstance

if TYPE_CHECKING:
    from addonkit.kit.branches import BranchStatus
    from addonkit.kit.kit import Kit
    from addonkit.models.views import Environment


async def branch_environment(kit: Kit, app: str, without: Collection[str] = ()) -> tuple[Environment, str]:
    """Return what an app receives here, and the app whose instances give it. Makes the copies that are missing."""
    if not await kit.has_branches(app):
        return await kit.environment(app, without=without), app
    status = await _prepared(kit, app)
    return await kit.branches.environment(status, without), status.uses


async def branch_app_of(kit: Kit, app: str, name: str) -> str:
    """Return the app whose instances are meant by a word such as `postgresql`; a full name means what it says."""
    if not await kit.has_branches(app):
        return app
    with suppress(UnknownInstance):
        await kit.name_of(name)
        return app
    return (await _prepared(kit, app)).uses


async def _prepared(kit: Kit, app: str) -> BranchStatus:
    status = await kit.branches.status(app, here())
    if not status.missing:
        return status
    echo_err(f"branch {clean(status.branch)} of {clean(app)} gets copies of {', '.join(map(clean, status.missing))}")
    return await kit.branches.prepare(app, here())


def here() -> str:
    """Return the directory whose branch counts."""
    return os.getcwd()  # noqa: PTH109 - as the quick commands do
