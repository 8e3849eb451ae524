"""The common part of `change` and `upgrade`: the same move, to another variant or to another version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from addonkit.kit.changes import Changed, Rehearsal
    from addonkit.kit.kit import Kit
    from addonkit.models.views import Plan


class Wanted(NamedTuple):
    """A request: `verb` is `change` or `upgrade`, `target` a variant or a version."""

    verb: str
    instance: str
    target: str
    app: str | None

    async def plan(self, kit: Kit) -> Plan:
        """Return what would be done."""
        ask = kit.changes.plan_change if self.verb == "change" else kit.changes.plan_upgrade
        return await ask(self.instance, self.target, self.app)

    async def rehearse(self, kit: Kit) -> Rehearsal:
        """Do it on a copy."""
        ask = kit.changes.rehearse_change if self.verb == "change" else kit.changes.rehearse_upgrade
        return await ask(self.instance, self.target, self.app)

    async def carry_out(self, kit: Kit) -> Changed:
        """Do it."""
        ask = kit.changes.change if self.verb == "change" else kit.changes.upgrade
        return await ask(self.instance, self.target, self.app)

    async def confirm(self, kit: Kit) -> str:
        """Remove the old place."""
        return await kit.changes.confirm(self.instance, self.app)


def change_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that both commands have."""
    options = (
        click.option("--rehearse", is_flag=True, help="Do it on a copy, say what came of it, and remove the copy."),
        click.option("--confirm", is_flag=True, help="Remove the place that the instance had before, with its data."),
        click.option("--dry-run", is_flag=True, help="Show the steps; change nothing."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def carry_out(invocation: Invocation, wanted: Wanted, *, rehearse: bool, confirm: bool, dry_run: bool) -> None:
    """Do what is asked for, or show it.

    Raises:
        click.UsageError: two of the options contradict each other.
    """
    if confirm and (rehearse or dry_run or wanted.target):
        raise click.UsageError("--confirm stands alone: it removes the old place, and moves nothing")
    from addonkit.cli.render import changes, json, plans

    if confirm:
        removed = with_kit(invocation, wanted.confirm)
        invocation.answer({"removed": removed}, f"{removed} and its data are gone")
    elif dry_run:
        plan = with_kit(invocation, wanted.plan)
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
    elif rehearse:
        tried = with_kit(invocation, wanted.rehearse, hint="run the same command again; no app has noticed anything")
        invocation.answer(changes.rehearsal_json(tried), changes.rehearsal_text(tried))
    else:
        hint = "run the same command again, or `addonkit doctor --fix`; apps use what they used before"
        done = with_kit(invocation, wanted.carry_out, hint=hint)
        invocation.answer(changes.changed_json(done), changes.changed_text(done))
