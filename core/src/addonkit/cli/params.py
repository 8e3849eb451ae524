"""Arguments and options that name things: checked, and completed by the shell."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

_DURATION: Final = re.compile(r"(\d{1,7})([smhd]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Name(click.ParamType):  # type: ignore[type-arg] # generic in some versions of click only
    """Text that names something.

    Args:
        kind: what it names: `app`, `instance`, `addon`, `spec`, `version`, `execution`, `backup` or `trash`;
            completions are of that kind, see `candidates.KINDS`.
    """

    name = "name"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take text that UTF-8 can hold.

        Raises:
            InvalidName: it has bytes that are no text.
        """
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            from addonkit.errors import InvalidName

            raise InvalidName(f"cannot find {self.kind} {text!r}", "a name is UTF-8 text") from None
        if self.kind != "app" or ctx is None or param is None:
            return text
        if ctx.get_parameter_source(param.name) is not ParameterSource.ENVIRONMENT:
            return text
        from addonkit.models.app import DefaultApp

        return DefaultApp(text)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the names that begin so; nothing when the state cannot be read."""
        return completes(self.kind)(ctx, param, incomplete)


def completes(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return what completes words of a kind, see `candidates.KINDS`."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from addonkit.cli.candidates import candidates

        home = getattr(ctx.find_root().obj, "home", None)
        return [CompletionItem(each) for each in candidates(kind, _typed(ctx), incomplete, home)]

    return complete


def _typed(ctx: click.Context) -> dict[str, Any]:
    """Return what the line has so far. Behind an option that waits for its value, click leaves arguments unread."""
    typed = dict(ctx.params)
    waiting = [
        each.name for each in ctx.command.params if isinstance(each, click.Argument) and not typed.get(each.name)
    ]
    return typed | dict(zip(waiting, ctx.args, strict=False))


class Duration(click.ParamType):  # type: ignore[type-arg] # generic in some versions of click only
    """A time such as `90s`, `10m`, `1h` or `2d`; a number alone is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Take a number and a unit."""
        if isinstance(value, timedelta):
            return value
        found = _DURATION.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"'{value}' is no duration; use one like 90s, 10m, 1h or 2d", param, ctx)
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


DURATION: Final = Duration()


INSTANCE_OF_APP: Final = "With an app, INSTANCE may also be its alias or its addon there."


def app_option(*, required: bool = True, help: str = "The app.") -> Decorator:
    """Add the option `-a APP`, which ADDONKIT_APP can stand for."""
    return click.option(
        "-a",
        "--app",
        metavar="APP",
        type=Name("app"),
        required=required,
        envvar="ADDONKIT_APP",
        show_envvar=True,
        help=help,
    )


def instance_argument(*, required: bool = True) -> Decorator:
    """Add the argument INSTANCE."""
    return click.argument(
        "instance", metavar="INSTANCE" if required else "[INSTANCE]", type=Name("instance"), required=required
    )


def addon_argument() -> Decorator:
    """Add the argument ADDON."""
    return click.argument("addon", type=Name("addon"))


def execution_argument() -> Decorator:
    """Add the argument EXECUTION."""
    return click.argument("execution", type=Name("execution"))


def listen_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where `serve` answers over TCP."""
    for option in (
        click.option(
            "--host", "hosts", metavar="NAME", multiple=True, help="A name of this service that requests may be for."
        ),
        click.option("--tls-key", metavar="FILE", default="", help="Key of that certificate, in PEM."),
        click.option("--tls-cert", metavar="FILE", default="", help="Certificate for TLS, with its chain, in PEM."),
        click.option(
            "--listen", metavar="HOST:PORT", default="", help="Answer over TCP as well; tokens are needed there."
        ),
    ):
        function = option(function)
    return function


def option_values(arguments: Iterable[str]) -> dict[str, str]:
    """Return values of options by their names.

    Raises:
        click.UsageError: an argument is no assignment.
    """
    found = assignments(arguments, "an option is NAME=VALUE")
    return {name: value for name, value in found.items() if value is not None}


def _as_utf8(argument: str) -> str:
    """Read an argument as UTF-8 whatever the locale; bytes that are no UTF-8 stay what Python made of them."""
    return os.fsencode(argument).decode("utf-8", "surrogateescape")


def assignments(arguments: Iterable[str], mistake: str, *, key_alone: bool = False) -> dict[str, str | None]:
    """Return each key with its value; None for a key that stands alone.

    Args:
        arguments: as they were typed.
        mistake: what to say of one that is no assignment. It does not show the argument, which may be a secret.
        key_alone: take a key without `=` too.

    Raises:
        click.UsageError: one has no key, or no value where one is needed.
    """
    values: dict[str, str | None] = {}
    for argument in arguments:
        key, equals, value = _as_utf8(argument).partition("=")
        if not key or not (equals or key_alone):
            raise click.UsageError(mistake)
        values[key] = value if equals else None
    return values
