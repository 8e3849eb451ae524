"""`addonkit run`: a program with the variables of an app."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.views import Environment


@command(
    "run",
    examples=(
        "addonkit run -a shop -- python manage.py migrate",
        "addonkit run -a shop -- sh -c 'psql \"$DATABASE_URL\"'",
        "ADDONKIT_APP=shop addonkit run psql",
    ),
    ignore_unknown_options=False,
    allow_interspersed_args=False,
)
@app_option()
@click.argument("argv", metavar="-- COMMAND [ARGUMENT...]", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run(invocation: Invocation, app: str, argv: tuple[str, ...]) -> None:
    """Run a program with the variables of an app.

    The program takes the place of addonkit: it gets every signal, and its exit status is the command's. The
    app's variables win over those of the shell. Waits for addons that are being made; 127 says that the
    program was not found, 126 that it cannot be run.
    """
    from addonkit.cli.exec import replace_process

    environment = with_kit(invocation, lambda kit: _environment(kit, app), heal=False)
    replace_process(argv, environment.as_dict(), environment.unset)


async def _environment(kit: Kit, app: str) -> Environment:
    """All variables of the app, of servers that run.

    Raises:
        InstanceFailed: a server does not run.
        Busy: some variables are not there, and waiting does not help.
    """
    from addonkit.errors import Busy, InstanceFailed

    attempted = f"cannot run a program for {app}"
    await _finish_pending(kit, app)
    environment = await kit.environment(app)
    if environment.pending:
        found = f"variables are not there yet: {', '.join(environment.pending)}"
        raise Busy(attempted, found, "addonkit retry INSTANCE goes on with it")
    failed = (await kit.heal(app)).failed
    if failed:
        found = ", ".join(f"{server} does not run ({reason})" for server, reason in failed.items())
        raise InstanceFailed(attempted, found, "addonkit doctor shows more")
    return environment


async def _finish_pending(kit: Kit, app: str) -> None:
    """Go on with what was begun for the app, or wait for who does. What failed is left to its user."""
    from addonkit.errors import InstanceFailed
    from addonkit.models.instance import Phase

    under_way = {Phase.PENDING, Phase.PROVISIONING, Phase.ACTIVE}
    for view in await kit.instances(app):
        waiting = any(a.app == app and a.phase is Phase.PENDING for a in view.associations)
        if waiting and view.instance.phase in under_way:
            with suppress(
                InstanceFailed
            ):  # perhaps for another app of it: what matters is whether ours has its variables
                await kit.retry(view.instance.name)
