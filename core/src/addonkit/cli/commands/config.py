"""`addonkit config`: what the operator tells an addon once, for all its instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from addonkit.cli.command import group, show_help, subcommand
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import addon_argument, assignments, completes
from addonkit.cli.prompts import fill_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from addonkit.models.settings import Setting


@group(
    "config",
    examples=(
        "addonkit config show s3-remote",
        "addonkit config set s3-remote endpoint=https://s3.example.org access_key=AK1",
        "addonkit config set s3-remote secret_key=- < key.txt    read from stdin",
        "addonkit config unset s3-remote ca_file",
    ),
    invoke_without_command=True,
)
@click.pass_context
def config(ctx: click.Context) -> None:
    """Configure an addon for all its instances.

    A variable ADDONKIT_<ADDON>_<NAME> of the environment wins over what is stored. Secrets are sealed.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(config, "show", examples=("addonkit config show s3-remote",))
@addon_argument()
@click.pass_obj
def show(invocation: Invocation, addon: str) -> None:
    """Show the settings of an addon and where each comes from; secrets are hidden."""
    found = with_kit(invocation, lambda kit: kit.config(addon))
    document = {"addon": addon, "settings": [_json(each) for each in found]}
    invocation.answer(document, _text(found) if found else f"{addon} has no settings")


@subcommand(
    config,
    "set",
    examples=(
        "addonkit config set s3-remote endpoint=https://s3.example.org region=eu-west-1",
        "addonkit config set s3-remote secret_key=- < key.txt",
    ),
)
@addon_argument()
@click.argument("settings", metavar="KEY=VALUE...", nargs=-1, required=True, shell_complete=completes("setting"))
@click.pass_obj
def set_(invocation: Invocation, addon: str, settings: tuple[str, ...]) -> None:
    """Set settings of an addon.

    Everybody on this machine can read a command line while it runs: give secrets as KEY=-, which asks for the
    value, or reads it from stdin: one value to its end, several a line each.
    """
    values = _values(settings)
    hint = f"`addonkit config show {addon}` shows whether they are set"
    with_kit(invocation, lambda kit: kit.set_config(addon, values), hint=hint)
    invocation.answer({"addon": addon, "set": [*values]}, "\n".join(f"{name} is set" for name in values))


@subcommand(config, "unset", examples=("addonkit config unset s3-remote ca_file",))
@addon_argument()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@click.pass_obj
def unset(invocation: Invocation, addon: str, keys: tuple[str, ...]) -> None:
    """Forget settings of an addon; their defaults are in force again."""
    hint = f"`addonkit config show {addon}` shows whether they are set"
    with_kit(invocation, lambda kit: kit.unset_config(addon, keys), hint=hint)
    invocation.answer({"addon": addon, "unset": [*keys]}, "\n".join(f"{name} is unset" for name in keys))


def _values(settings: Sequence[str]) -> dict[str, str]:
    values = assignments(settings, "a setting is KEY=VALUE, or KEY=- to be asked for the value")
    return fill_in({key: None if value == "-" else value for key, value in values.items()})


def _shown(setting: Setting) -> str | None:
    if setting.value is None:
        return None
    from addonkit.models.secret import HIDDEN

    return HIDDEN if setting.definition.secret else str(setting.value)


def _json(setting: Setting) -> dict[str, Any]:
    definition = setting.definition
    return {
        "name": definition.name,
        "value": _shown(setting),
        "source": setting.source,
        "secret": definition.secret,
        "required": definition.default is None,
        "description": definition.description,
    }


def _text(settings: Sequence[Setting]) -> str:
    from addonkit.cli.render.table import table

    rows = [
        (each.definition.name, _shown(each) or "", each.source or "not set", each.definition.description)
        for each in settings
    ]
    return table(("SETTING", "VALUE", "SOURCE", "DESCRIPTION"), rows)
