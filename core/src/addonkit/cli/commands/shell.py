"""`addonkit shell`: the program in which a person works with an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.kit.shells import ShellSession


@command(
    "shell",
    examples=(
        "addonkit shell shop-postgresql                       psql, logged in",
        "addonkit shell postgresql -a shop -- -c 'select 1'   one statement",
        "addonkit shell shop-valkey -- dbsize                 one command",
    ),
    ignore_unknown_options=False,
)
@instance_argument()
@app_option(required=False, help=f"Use the login of this app. {INSTANCE_OF_APP}")
@click.argument("arguments", metavar="[-- ARGUMENT...]", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def shell(invocation: Invocation, instance: str, app: str | None, arguments: tuple[str, ...]) -> None:
    """Work with an instance in its own program, such as psql.

    The program uses the login of an app and takes the place of addonkit. It receives the arguments.
    """
    from addonkit.cli.exec import NotStarted, replace_process, shell_argv

    session = with_kit(invocation, lambda kit: _session(kit, instance, app))
    try:
        replace_process((*shell_argv(session), *arguments), session)
    except NotStarted as error:
        raise click.exceptions.Exit(error.status) from None


async def _session(kit: Kit, name: str, app: str | None) -> ShellSession:
    """Return the program, when the server runs.

    Raises:
        InstanceFailed: it does not.
    """
    from addonkit.cli.branching import branch_app_of
    from addonkit.cli.healing import heal
    from addonkit.errors import InstanceFailed

    if app:
        app = await branch_app_of(kit, app, name)
    session = await kit.shell(name, app)
    others = [view.instance.name for view in await kit.instances(session.app)]
    failed = await heal(kit, session.app, without=[each for each in others if each != session.instance])
    for each, reason in failed.items():
        raise InstanceFailed(f"cannot open a shell for {each}", f"it does not run ({reason})")
    return session
