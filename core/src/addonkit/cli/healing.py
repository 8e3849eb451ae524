"""Starts servers that are down, and says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from addonkit.cli.streams import clean, echo_err

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit


async def heal(kit: Kit, app: str | None = None, *, without: Collection[str] = ()) -> Mapping[str, str]:
    """Start servers that should run and do not: all, or those that an app uses.

    Says on stderr which were started. Returns names of instances whose server does not run, to the reason.
    """
    report = await kit.heal(app, without=without)
    for name in report.started:
        shown = clean(name)
        echo_err(f"{shown} had crashed or was stopped by a reboot, started again; see `addonkit logs {shown}`")
    return report.failed


async def heal_and_warn(kit: Kit, app: str | None = None) -> None:
    """Start servers that are down; say on stderr which were started, and which do not run."""
    for name, reason in (await heal(kit, app)).items():
        echo_err(f"warning: {clean(name)} does not run: {clean(reason)}")
