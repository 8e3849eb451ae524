"""The command `addonkit` itself: finds its commands without importing those that are not needed."""

from __future__ import annotations

from importlib import import_module
from itertools import chain
from typing import Final

import click

import addonkit
from addonkit.cli.command import SETTINGS, Group, show_help

SECTIONS: Final = {
    "Provision": {
        "create": "Create an addon for an app.",
        "run": "Run a program with the variables of an app.",
        "shell": "Work with an instance in its own program, such as psql.",
        "env": "Show the variables of an app, or set some by hand.",
        "bindings": "Write what an app receives as files, as servicebinding.io has them.",
        "attach": "Give an app the variables of an instance that exists.",
        "detach": "Take an instance's variables from an app.",
        "rotate": "Give apps new credentials, and revoke the former ones.",
        "promote": "Give an instance's variables their plain names.",
        "rename": "Give an instance or an app another name.",
        "destroy": "Remove an instance and all its data, or everything of an app.",
        "undestroy": "Bring back an instance that was destroyed, with its data and its apps.",
    },
    "Operate": {
        "serve": "Keep servers running, keep schedules, and answer over HTTP.",
        "service": "Let systemd run `addonkit serve`, also after a reboot.",
        "token": "Make tokens for programs that ask over the network.",
        "stop": "Stop servers.",
        "start": "Start servers that were stopped, and wait until they answer.",
        "restart": "Restart servers, with the programs that are installed now.",
    },
    "Back up": {
        "backup": "Back up an instance, and prove that the backup can be restored.",
        "restore": "Bring the data of an instance back from a backup.",
        "rollback": "Put back what a restore, change or upgrade has taken the place of.",
        "trash": "List what was destroyed and can be brought back.",
        "branch": "Give an app other data on each git branch.",
        "change": "Move an instance to another variant, with its data.",
        "upgrade": "Move an instance to a server of a newer version.",
        "export": "Write the data of an instance into a file.",
        "import": "Fill an empty instance from a file, or from another server.",
        "clone": "Copy an instance with its data, for another app.",
    },
    "Configure": {
        "set": "Change options of an instance, or show them.",
        "manifest": "Describe in a file what apps are to have: addonkit.toml.",
        "extension": "List, add, remove and update extensions of an instance.",
        "config": "Configure an addon for all its instances.",
        "compose": "Provide services to Docker Compose, which runs these commands.",
        "score": "Provision a resource of Score: reads it from stdin, prints its outputs.",
        "completion": "Print a script with which a shell completes commands and names.",
    },
    "Inspect": {
        "apps": "List apps and the instances that give them variables.",
        "addons": "List installed addons, their variants and versions.",
        "variants": "List the variants of an addon, what they give, and their options.",
        "list": "List instances: their apps, their state, their servers.",
        "show": "Show one instance: state, server, size, last backup, apps, variables.",
        "logs": "Show the log of an instance's server.",
    },
    "Troubleshoot": {
        "doctor": "Check for problems; --fix fixes them.",
        "retry": "Resume an instance that failed or was interrupted.",
        "saga": "Inspect, retry or abandon operations.",
        "home": "Show or move the home, or make a copy of one a home of its own.",
    },
    "Develop": {
        "new": "Create a working addon package to start from.",
        "conformance": "Check that an installed addon keeps what every addon promises.",
    },
}
"""Commands by purpose, in the order of the help; each is found under its name in the module of its name.

What is said of each is the first sentence of its own help, so that the help of all imports none.
"""

_NAMES: Final = (*chain.from_iterable(SECTIONS.values()),)

_EXAMPLES: Final = (
    "addonkit addons                              what can be created",
    "addonkit create postgresql:small -a shop     a database for the app shop",
    "addonkit run -a shop -- python manage.py     DATABASE_URL and the rest are set",
    "addonkit env -a shop                         what the app receives",
    "addonkit destroy postgresql -a shop          the database and its data go",
)


class Commands(Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return all names, in the order of the help."""
        return list(_NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command of that name; None when there is none."""
        if cmd_name not in _NAMES:
            return None
        module = "import_" if cmd_name == "import" else cmd_name  # a word of Python's
        found: click.Command = getattr(import_module(f"addonkit.cli.commands.{module}"), module)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; a near miss is answered with what may be meant.

        Raises:
            click.UsageError: there is no such command.
        """
        if args[0] == "help":
            args = [*args[1:], "--help"]
            if args == ["--help"]:
                click.echo(ctx.get_help())
                ctx.exit()
        if not ctx.resilient_parsing and not args[0].startswith("-") and args[0] not in _NAMES:
            raise click.UsageError(f"there is no command '{args[0]}'{_meant(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own
        """Write the commands by purpose."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([*commands.items()])


def _meant(word: str) -> str:
    import difflib

    from addonkit.cli.synonyms import command_for

    near = difflib.get_close_matches(word, _NAMES, n=1, cutoff=0.7)
    meant = command_for(word, _NAMES) or (f"addonkit {near[0]}" if near else "")
    return f"; did you mean `{meant}`?" if meant else ""


@click.group("addonkit", cls=Commands, examples=_EXAMPLES, context_settings=SETTINGS, invoke_without_command=True)
@click.version_option(addonkit.__version__, message="addonkit %(version)s", help="Print the version.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Give an app a database, a cache or a bucket with one command.

    An addon is a kind of service (postgresql), an instance is one of them (the database of shop). An app
    is whatever you name with -a: its first addon makes it. What an addon gives to an app are environment
    variables; run starts a program with them.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)
