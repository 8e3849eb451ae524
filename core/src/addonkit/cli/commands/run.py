"""`addonkit run`: a program with the variables of an app."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import Name, app_option

if TYPE_CHECKING:
    from collections.abc import Collection

    from addonkit.kit.kit import Kit
    from addonkit.models.views import Environment


@command(
    "run",
    examples=(
        "addonkit run -a shop -- python manage.py migrate",
        "addonkit run -a shop -- sh -c 'psql \"$DATABASE_URL\"'",
        "addonkit run -a shop --without shop-valkey -- pytest",
        "ADDONKIT_APP=shop addonkit run psql",
    ),
    ignore_unknown_options=False,
    allow_interspersed_args=False,
)
@app_option()
@click.option(
    "--without",
    metavar="INSTANCE",
    type=Name("instance"),
    multiple=True,
    help="Leave out an instance: its variables, and whether its server runs. May be given several times.",
)
@click.option("--bindings", is_flag=True, help="Set SERVICE_BINDING_ROOT to what `addonkit bindings` has written.")
@click.argument("argv", metavar="-- COMMAND [ARGUMENT...]", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run(invocation: Invocation, app: str, without: tuple[str, ...], *, bindings: bool, argv: tuple[str, ...]) -> None:
    """Run a program with the variables of an app.

    The program takes the place of addonkit: it gets every signal, and its exit status is the command's. The
    app's variables win over those of the shell, and client programs of the servers' versions come first in PATH.
    Waits for addons that are being made, and warns of those that failed; 127 says that the program was not found,
    126 that it cannot be run.
    """
    from addonkit.cli.exec import NotStarted, replace_process

    environment = None if without or bindings else invocation.quick_environment(app)
    if environment is None:
        environment = with_kit(invocation, lambda kit: _environment(kit, app, without, bindings=bindings))
    try:
        replace_process(argv, environment)
    except NotStarted as error:
        raise click.exceptions.Exit(error.status) from None


async def _environment(kit: Kit, app: str, without: Collection[str], *, bindings: bool) -> Environment:
    """Return all variables of the app, of servers that run.

    Raises:
        InstanceFailed: a server does not run.
        NotFound: bindings are asked for, and there are none.
        Busy: some variables are not there, and waiting does not help.
    """
    from addonkit.cli.branching import branch_environment
    from addonkit.cli.healing import heal
    from addonkit.cli.streams import clean, echo_err
    from addonkit.errors import Busy, InstanceFailed

    attempted = f"cannot run a program for {app}"
    root = await kit.environment_files.bindings(app) if bindings else ""
    left_out = [await kit.name_of(each, app) for each in without]
    environment, uses = await branch_environment(kit, app, left_out)
    if environment.pending:
        await _finish(kit, environment.pending)
        environment = await kit.environment(app, without=left_out)
    for name in environment.pending:
        advice = f"run `addonkit retry {name}`, or leave it out with `--without {name}`"
        raise Busy(attempted, f"the variables of {name} are not there yet", advice)
    for name, reason in environment.failed.items():
        echo_err(f"warning: {clean(name)} failed, its variables are missing: {clean(reason)}; {ways_out(name)}")
    for name, reason in (await heal(kit, uses, without=left_out)).items():
        raise InstanceFailed(attempted, f"{name} does not run ({reason})", f"leave it out with `--without {name}`")
    return _with_root(environment, root) if root else environment


def _with_root(environment: Environment, root: str) -> Environment:
    import attrs

    from addonkit.models.variable import Variable
    from addonkit.models.views import EnvironmentEntry

    entry = EnvironmentEntry(Variable("SERVICE_BINDING_ROOT", root), "bindings")
    return attrs.evolve(environment, entries=(*environment.entries, entry))


async def _finish(kit: Kit, names: Collection[str]) -> None:
    """Complete what was begun for the app, or wait for the process that does."""
    from addonkit.errors import InstanceFailed

    for name in names:
        # Perhaps it failed for another app of it: what matters is whether ours has its variables.
        with suppress(InstanceFailed):
            await kit.retry(name)


def ways_out(name: str) -> str:
    """Return what a user can do about an instance that failed."""
    return f"run `addonkit retry {name}` to try again, or `addonkit destroy {name}` to remove it"
