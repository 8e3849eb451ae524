"""The command `addonkit` itself: finds its commands without importing those that are not needed."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

import addonkit
from addonkit.cli.command import SETTINGS, Group, show_help, with_shared_options

SECTIONS: Final = {
    "Provision": ("create", "run", "env", "attach", "detach", "promote", "destroy"),
    "Operate": ("stop", "start", "restart"),
    "Configure": ("config", "completion"),
    "Inspect": ("apps", "addons", "variants", "list", "show", "logs"),
    "Troubleshoot": ("doctor", "retry", "saga", "home"),
    "Develop": ("new", "conformance"),
}
"""Commands by purpose, in the order of the help; each is found under its name in the module of its name."""

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
        """All names, in the order of the help."""
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None when there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = getattr(import_module(f"addonkit.cli.commands.{cmd_name}"), cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; a near miss is answered with what may be meant.

        Raises:
            click.UsageError: there is no such command.
        """
        if args[0] == "help":
            args = [*args[1:], "--help"]
            if args == ["--help"]:
                click.echo(ctx.get_help())
                ctx.exit()
        if not ctx.resilient_parsing and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"there is no command '{args[0]}'{self._meant(ctx, args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def _meant(self, ctx: click.Context, word: str) -> str:
        import difflib

        from addonkit.cli.synonyms import command_for

        known = self.list_commands(ctx)
        near = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
        meant = command_for(word, known) or (f"addonkit {near[0]}" if near else "")
        return f"; did you mean `{meant}`?" if meant else ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by purpose."""
        for title, names in SECTIONS.items():
            rows = [(name, found.get_short_help_str(72)) for name in names if (found := self.get_command(ctx, name))]
            with formatter.section(title):
                formatter.write_dl(rows)


def _show_version(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"addonkit {addonkit.__version__}")
        ctx.exit()


@click.group("addonkit", cls=Commands, examples=_EXAMPLES, context_settings=SETTINGS, invoke_without_command=True)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Give an app a database, a cache or a bucket with one command.

    An addon is a kind of service (postgresql), an instance is one of them (the database of shop). An app
    is whatever you name with -a: its first addon makes it. What an addon gives to an app are environment
    variables; run starts a program with them.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


with_shared_options(cli)
