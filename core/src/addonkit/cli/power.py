"""The common part of `stop`, `start` and `restart`: the servers concerned, and the question before apps lose theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from addonkit.cli.command import yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option, instance_argument
from addonkit.cli.prompts import confirm

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.views import ServerTarget

_ALL: Final = "All servers of this home."


class Choice(NamedTuple):
    """The servers that a user chose.

    Attributes:
        instance: name of an instance, or its alias in the app.
        app: name of an app.
        everything: whether all servers are meant.
    """

    instance: str | None
    app: str | None
    everything: bool

    async def servers(self, kit: Kit) -> tuple[ServerTarget, ...]:
        """Return the servers that are meant."""
        return await (kit.servers() if self.everything else kit.servers(self.instance, self.app))


def chooses_servers(*, asks: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the argument and the options that choose servers."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if asks:
            function = yes_option("Do not ask when other instances are on a server.")(function)
        function = click.option("--all", "everything", is_flag=True, help=_ALL)(function)
        function = app_option(required=False, help="The servers of this app.")(function)
        return instance_argument(required=False)(function)

    return decorate


def change_power(
    invocation: Invocation,
    choice: Choice,
    verb: str,
    done: str,
    change: Callable[[Kit, ServerTarget], Awaitable[None]],
    *,
    yes: bool = True,
) -> None:
    """Do something with each server that was chosen; one that fails keeps no other from it.

    Args:
        invocation: of this command.
        choice: see Choice.
        verb: for people, as `stop`.
        done: what is true afterwards, as `is stopped`.
        change: what is done with a server.
        yes: whether other instances on a server are touched without a question.

    Raises:
        click.UsageError: nothing was chosen.
        click.exceptions.Exit: one of several failed.
    """
    if not (choice.instance or choice.app or choice.everything):
        raise click.UsageError("name an instance, or use -a APP or --all")
    targets = with_kit(invocation, choice.servers)
    if not yes:
        _ask(invocation, verb, targets)
    outcome = with_kit(
        invocation,
        lambda kit: _each(kit, targets, change),
        hint="run the same command again to complete it",
    )
    lines = [f"{', '.join(target.instances)}: {reason or done}" for target, reason in outcome]
    states = [{"instances": list(target.instances), "error": reason} for target, reason in outcome]
    invocation.answer({"servers": states}, "\n".join(lines) or "there are no servers")
    if any(reason for _target, reason in outcome):
        raise click.exceptions.Exit(1)


def _ask(invocation: Invocation, verb: str, targets: Sequence[ServerTarget]) -> None:
    shared = [target for target in targets if target.others]
    if not shared:
        return
    lines = [
        f"the server of {', '.join(target.chosen)} is also that of {', '.join(target.others)}"
        f" (apps: {', '.join(target.apps)})"
        for target in shared
    ]
    confirm(f"cannot {verb} it", "\n".join(lines), f"{verb.capitalize()} it for all of them?", json=invocation.json)


async def _each(
    kit: Kit, targets: Sequence[ServerTarget], change: Callable[[Kit, ServerTarget], Awaitable[None]]
) -> list[tuple[ServerTarget, str]]:
    """Return each server with the reason why it failed, empty when it did not."""
    import asyncio

    from addonkit.errors import AddonkitError

    async def one(target: ServerTarget) -> str:
        try:
            await change(kit, target)
        except AddonkitError as error:
            return str(error)
        return ""

    return list(zip(targets, await asyncio.gather(*map(one, targets)), strict=True))
