"""The shape that all commands share: examples in the help, and the options that every command takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from addonkit.cli.invocation import Invocation

C = TypeVar("C")

Decorator = Callable[[Callable[..., Any]], C]

SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _note(ctx: click.Context, option: click.Parameter, value: bool | str | None) -> None:
    """Take an option that every command has into the invocation, where it is given: before or after the command."""
    if value:
        setattr(ctx.ensure_object(Invocation), str(option.name), value)


_SHARED: Final = (
    click.Option(
        ["--json"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_note,
        help="Print one JSON document for programs.",
    ),
    click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        expose_value=False,
        callback=_note,
        help="Show each step, and traces of errors.",
    ),
    click.Option(
        ["--home"],
        metavar="DIRECTORY",
        expose_value=False,
        callback=_note,
        help="Where everything is kept.  [env var: ADDONKIT_HOME]",
    ),
)
"""Options that every command takes, after its own: they may stand before or after its name."""


class Command(click.Command):
    """A command that takes the shared options.

    Its help ends with examples, one a line, never wrapped: they are meant to be copied.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _SHARED
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own
        """Write the examples."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Group(Command, click.Group):
    """A command with subcommands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the subcommands in the order they were written."""
        return list(self.commands)


def command(name: str, *, examples: Sequence[str], **context: Any) -> Decorator[Command]:
    """Make a function a command; `context` are further settings of click's context."""
    return click.command(name, cls=Command, examples=examples, context_settings={**SETTINGS, **context})


def group(name: str, *, examples: Sequence[str], **settings: Any) -> Decorator[Group]:
    """Make a function a group of commands."""
    return click.group(name, cls=Group, examples=examples, context_settings=SETTINGS, **settings)


def subcommand(parent: click.Group, name: str, *, examples: Sequence[str]) -> Decorator[click.Command]:
    """Make a function a command of a group."""
    return parent.command(name, cls=Command, examples=examples, context_settings=SETTINGS)


def show_help(ctx: click.Context) -> None:
    """Without a subcommand: show the help, as the mistake that it is."""
    click.echo(ctx.get_help(), err=True)
    ctx.exit(2)


def alias_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--as NAME`."""
    return click.option("--as", "alias", metavar="NAME", default="", help=help)


socket_option: Final = click.option(
    "--socket", is_flag=True, help="Give the app the server's Unix socket in place of its port."
)

no_start_option: Final = click.option("--no-start", is_flag=True, help="Leave servers that are down as they are.")


def dry_run_option(
    help: str = "Show what would be done; change nothing.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--dry-run`."""
    return click.option("--dry-run", is_flag=True, help=help)


def yes_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--yes`."""
    return click.option("-y", "--yes", is_flag=True, help=help)
