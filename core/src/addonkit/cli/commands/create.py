"""`addonkit create`: a new instance of an addon for an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import alias_option, command, socket_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import Name, app_option, completes, option_values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from addonkit.kit.binding import Binding
    from addonkit.kit.kit import Kit
    from addonkit.models.views import Plan


@command(
    "create",
    examples=(
        "addonkit create postgresql -a shop                       the addon's default variant",
        "addonkit create postgresql:small -a shop --version 16",
        "addonkit create postgresql:small -a shop --as analytics  a second one: ANALYTICS_DATABASE_URL",
        "addonkit create postgresql:shared -a blog --dry-run      what would be done",
        "addonkit create postgresql -a shop --set max_connections=200",
        "addonkit create postgresql -a shop --listen 192.0.2.7    other machines reach it, with TLS",
    ),
)
@click.argument("spec", metavar="ADDON[:VARIANT]", type=Name("spec"))
@app_option(help="The app that receives the variables; made when it is new.")
@alias_option("A name for it in the app; its variables get the name as prefix.")
@click.option(
    "--version",
    metavar="VERSION",
    type=Name("version"),
    default="",
    help="Version of the server; see `addonkit addons`.",
)
@socket_option
@click.option(
    "--set",
    "options",
    metavar="OPTION=VALUE",
    multiple=True,
    shell_complete=completes("assignment"),
    help="Choose an option; see `addonkit variants`.",
)
@click.option(
    "--with",
    "extensions",
    metavar="EXTENSION,...",
    default="",
    help="Extensions that it has from its beginning; see `addonkit extension`.",
)
@click.option(
    "--listen",
    metavar="ADDRESS",
    default="",
    help="Let other machines reach its server at this address or host name of the machine, with TLS alone.",
)
@click.option("--no-wait", is_flag=True, help="Only record it; `addonkit retry` carries it out.")
@click.option("--dry-run", is_flag=True, help="Show the steps and the variables; change nothing.")
@click.pass_obj
def create(
    invocation: Invocation,
    spec: str,
    app: str,
    alias: str,
    version: str,
    options: tuple[str, ...],
    extensions: str,
    listen: str,
    *,
    socket: bool,
    no_wait: bool,
    dry_run: bool,
) -> None:
    """Create an addon for an app.

    When a step fails, everything done so far is undone. The same command again continues one that was
    interrupted, and changes nothing when it is there. Steps are shown with -v, or when they take long.
    """
    values = option_values(options)
    if extensions:
        values["extensions"] = extensions
    if listen:
        values["listen"] = listen
    if dry_run:
        _show_plan(
            invocation,
            lambda kit: kit.plan_create(spec, app, alias=alias, version=version, socket=socket, options=values),
        )
        return
    name = alias or spec.partition(":")[0]
    binding = with_kit(
        invocation,
        lambda kit: kit.create(
            spec, app, alias=alias, version=version, socket=socket, options=values, wait=not no_wait
        ),
        hint=f"run the same command again to continue, or `addonkit destroy {name} -a {app}` to undo it",
    )
    show_binding(invocation, binding, waited=not no_wait)


def show_binding(invocation: Invocation, binding: Binding, *, waited: bool) -> None:
    """Show what the app has now, and what to do next."""
    from addonkit.cli.render import json, text

    invocation.answer(json.binding_json(binding), text.binding_text(binding, waited=waited, verbose=invocation.verbose))


def _show_plan(invocation: Invocation, planned: Callable[[Kit], Awaitable[Plan]]) -> None:
    from addonkit.cli.render import json, plans

    plan = with_kit(invocation, planned)
    invocation.answer(json.plan_json(plan), plans.plan_text(plan))
