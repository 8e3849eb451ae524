"""`addonkit extension`: what an instance can do besides, such as vector search in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import group, show_help, subcommand, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from addonkit.models.result import Extension

_names = click.argument("extensions", metavar="EXTENSION...", nargs=-1, required=True)


@group(
    "extension",
    examples=(
        "addonkit extension list shop-postgresql",
        "addonkit extension add shop-postgresql vector pg_trgm",
        "addonkit create postgresql -a shop --with vector",
    ),
    invoke_without_command=True,
)
@click.pass_context
def extension(ctx: click.Context) -> None:
    """List, add, remove and update extensions of an instance.

    The operator decides which extensions apps may have: `addonkit config set postgresql allowed_extensions=...`.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(extension, "list", examples=("addonkit extension list shop-postgresql",))
@instance_argument()
@app_option(required=False, help=INSTANCE_OF_APP)
@click.option("--all", "everything", is_flag=True, help="Show those too that are not allowed.")
@click.pass_obj
def list_(invocation: Invocation, instance: str, app: str | None, *, everything: bool) -> None:
    """List extensions that an instance has and can have, with their versions."""
    found = with_kit(invocation, lambda kit: kit.extensions.list(instance, app))
    shown = [(each, allowed) for each, allowed in found if allowed or each.installed or everything]
    listed = [
        {
            "name": each.name,
            "installed": each.installed or None,
            "available": each.available,
            "allowed": allowed,
            "description": each.description,
        }
        for each, allowed in shown
    ]
    invocation.answer({"extensions": listed}, _text(shown))


@subcommand(extension, "add", examples=("addonkit extension add shop-postgresql vector",))
@instance_argument()
@_names
@app_option(required=False, help=INSTANCE_OF_APP)
@yes_option("Do not ask before the server restarts.")
@click.pass_obj
def add(invocation: Invocation, instance: str, extensions: tuple[str, ...], app: str | None, *, yes: bool) -> None:
    """Add extensions to an instance. One that the server loads when it starts needs a restart, which is announced."""
    _change(invocation, instance, app, add=extensions, yes=yes)


@subcommand(extension, "remove", examples=("addonkit extension remove shop-postgresql vector",))
@instance_argument()
@_names
@app_option(required=False, help=INSTANCE_OF_APP)
@yes_option("Do not ask before the server restarts.")
@click.pass_obj
def remove(invocation: Invocation, instance: str, extensions: tuple[str, ...], app: str | None, *, yes: bool) -> None:
    """Remove extensions that nothing in the instance needs."""
    _change(invocation, instance, app, remove=extensions, yes=yes)


@subcommand(extension, "update", examples=("addonkit extension update shop-postgresql vector",))
@instance_argument()
@_names
@app_option(required=False, help=INSTANCE_OF_APP)
@click.pass_obj
def update(invocation: Invocation, instance: str, extensions: tuple[str, ...], app: str | None) -> None:
    """Bring extensions to the version that the server has."""
    for each in extensions:
        with_kit(invocation, lambda kit, each=each: kit.extensions.update(instance, each, app))  # type: ignore[misc]
    lines = [f"{instance}: {each} is up to date" for each in extensions]
    invocation.answer({"instance": instance, "updated": [*extensions]}, "\n".join(lines))


def _change(
    invocation: Invocation,
    instance: str,
    app: str | None,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    yes: bool,
) -> None:
    from addonkit.cli.prompts import confirm
    from addonkit.cli.render import options as render

    plan = with_kit(invocation, lambda kit: kit.extensions.plan(instance, add, remove, app))
    if plan.restart and not yes:
        question = "Restart it?"
        confirm(f"cannot change extensions of {plan.instance}", render.plan_text(plan), question, json=invocation.json)
    hint = f"run `addonkit retry {plan.instance}` to complete it"
    with_kit(invocation, lambda kit: kit.extensions.change(plan.instance, add, remove), hint=hint)
    invocation.answer(render.plan_json(plan), render.done_text(plan))


def _text(shown: Sequence[tuple[Extension, bool]]) -> str:
    from addonkit.cli.render.table import table

    if not shown:
        return "there are none"
    rows = [
        (each.name, each.installed or "-", each.available, "yes" if allowed else "no", each.description)
        for each, allowed in shown
    ]
    return table(("EXTENSION", "INSTALLED", "AVAILABLE", "ALLOWED", "DESCRIPTION"), rows)
