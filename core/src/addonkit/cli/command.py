"""The shape that all commands share: examples in the help, and the options that every command takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from addonkit.cli.invocation import Invocation

C = TypeVar("C", bound=click.Command)

Decorator = Callable[[Callable[..., Any]], click.Command]

SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class CommandWithExamples(click.Command):
    """A command whose help ends with examples, one a line, never wrapped: they are meant to be copied."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own
        """Write the examples."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Command(CommandWithExamples):
    """One command."""


class Group(CommandWithExamples, click.Group):
    """A command with subcommands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the subcommands in the order they were written."""
        return list(self.commands)


def command(name: str, *, examples: Sequence[str], **context: Any) -> Decorator:
    """Make a function a command with the shared options; `context` are further settings of click's context."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        make = click.command(name, cls=Command, examples=examples, context_settings={**SETTINGS, **context})
        return with_shared_options(make(function))

    return decorate


def group(name: str, *, examples: Sequence[str], **settings: Any) -> Callable[[Callable[..., Any]], click.Group]:
    """Make a function a group of commands with the shared options."""

    def decorate(function: Callable[..., Any]) -> click.Group:
        make = click.group(name, cls=Group, examples=examples, context_settings=SETTINGS, **settings)
        return with_shared_options(make(function))

    return decorate


def subcommand(parent: click.Group, name: str, *, examples: Sequence[str]) -> Decorator:
    """Make a function a command of a group."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        made = command(name, examples=examples)(function)
        parent.add_command(made)
        return made

    return decorate


def _note(ctx: click.Context, option: click.Parameter, value: bool | str | None) -> None:
    """Take an option that every command has into the invocation, where it is given: before or after the command."""
    if value:
        setattr(ctx.ensure_object(Invocation), str(option.name), value)


def with_shared_options(command: C) -> C:
    """Add, after its own, the options that every command takes: they may stand before or after its name."""
    command.params += [
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
    ]
    return command


def show_help(ctx: click.Context) -> None:
    """Without a subcommand: show the help, as the mistake that it is."""
    click.echo(ctx.get_help(), err=True)
    ctx.exit(2)


def alias_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--as NAME`."""
    return click.option("--as", "alias", metavar="NAME", default="", help=help)


def socket_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--socket`."""
    return click.option("--socket", is_flag=True, help="Give the app the server's Unix socket in place of its port.")


def no_start_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--no-start`."""
    return click.option("--no-start", is_flag=True, help="Leave servers that are down as they are.")


def dry_run_option(
    help: str = "Show what would be done; change nothing.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--dry-run`."""
    return click.option("--dry-run", is_flag=True, help=help)


def yes_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--yes`."""
    return click.option("-y", "--yes", is_flag=True, help=help)
