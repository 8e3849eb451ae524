"""`addonkit env`: what an app receives, and what is set for it by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import group, no_start_option, subcommand
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option, assignments, completes
from addonkit.cli.prompts import fill_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from addonkit.kit.kit import Kit
    from addonkit.models.app import EnvironmentFile
    from addonkit.models.variable import VariableMove
    from addonkit.models.views import Environment


@group(
    "env",
    examples=(
        "addonkit env -a shop",
        "addonkit env -a shop --format dotenv --reveal -o .env    a file that only you can read",
        "addonkit env -a shop --format dotenv --reveal -o .env --follow    changes with the variables",
        'eval "$(addonkit env -a shop --format shell --reveal)"',
        "addonkit env set -a shop DEBUG=1",
        "addonkit env set -a shop --secret API_KEY                asks for the value",
        "addonkit env unset -a shop DEBUG",
        "addonkit env get -a shop DATABASE_URL                    one value, for scripts",
    ),
    invoke_without_command=True,
)
@app_option(required=False)
@click.option(
    "--format",
    "env_format",
    type=click.Choice(("dotenv", "shell", "json", "docker", "systemd", "vcap", "k8s-secret")),
    help="Write the variables for other programs to read.",
)
@click.option("--reveal", is_flag=True, help="Show secrets.")
@click.option("-o", "--output", metavar="FILE", help="Write to a file that only you can read, whole or not at all.")
@click.option("--follow", is_flag=True, help="Write the file again whenever the variables change; see `env outputs`.")
@no_start_option
@click.pass_context
def env(
    ctx: click.Context,
    app: str | None,
    env_format: str | None,
    reveal: bool,
    output: str | None,
    follow: bool,
    no_start: bool,
) -> None:
    """Show the variables of an app, or set some by hand.

    Secrets are hidden unless --reveal is given. Variables set by hand win over those of addons.
    """
    if ctx.invoked_subcommand is not None:
        ctx.default_map = dict.fromkeys(("get", "set", "unset"), {"app": app} if app else {})
        return
    if app is None:
        raise click.UsageError("missing option '-a' / '--app'")
    if output is not None and env_format is None:
        raise click.UsageError("--output needs --format")
    invocation = ctx.ensure_object(Invocation)
    if follow:
        _follow(invocation, app, env_format, output, reveal=reveal)
        return
    environment = None if env_format == "vcap" else invocation.quick_environment(app, running=not no_start)
    if environment is None:
        environment = with_kit(invocation, lambda kit: _look(kit, app, start=not no_start))
    if env_format is None:
        _show(invocation, environment, reveal=reveal)
    else:
        _export(invocation, environment, env_format, output, reveal=reveal)


def _follow(invocation: Invocation, app: str, env_format: str | None, output: str | None, *, reveal: bool) -> None:
    if env_format is None or output is None:
        raise click.UsageError("--follow needs --format and --output")
    if not reveal:
        raise click.UsageError("--follow needs --reveal: secrets that come later are written too")
    with_kit(invocation, lambda kit: kit.environment_files.follow(app, output, env_format))
    document = {"file": output, "app": app, "format": env_format, "follows": True}
    text = f"{output} holds the variables of {app}, and follows them; `addonkit env outputs` lists such files"
    invocation.answer(document, text)


async def _look(kit: Kit, app: str, *, start: bool) -> Environment:
    """Return the environment, of servers that run where they can."""
    from addonkit.cli.branching import branch_environment
    from addonkit.cli.healing import heal_and_warn

    environment, uses = await branch_environment(kit, app)
    if start:
        await heal_and_warn(kit, uses)
    return environment


def _show(invocation: Invocation, environment: Environment, *, reveal: bool) -> None:
    from addonkit.cli.render import json, text
    from addonkit.cli.streams import clean, echo_err

    document = json.environment_json(environment, reveal=reveal)
    invocation.answer(document, text.environment_text(environment, reveal=reveal))
    if not invocation.json:
        for name in environment.pending:
            echo_err(f"not there yet: {clean(name)}; run `addonkit retry {clean(name)}` to continue")
        _warn_failed(environment)


def _warn_failed(environment: Environment) -> None:
    from addonkit.cli.commands.run import ways_out
    from addonkit.cli.streams import clean, echo_err

    for name, reason in environment.failed.items():
        echo_err(f"warning: {clean(name)} failed, its variables are missing: {clean(reason)}; {ways_out(name)}")


def _export(
    invocation: Invocation, environment: Environment, env_format: str, file: str | None, *, reveal: bool
) -> None:
    from addonkit.cli.env_file import export
    from addonkit.cli.streams import write_exactly
    from addonkit.util.output_files import replace_file

    text = export(environment, env_format, reveal=reveal)
    _warn_failed(environment)
    if file is None:
        write_exactly(text)
        return
    replace_file(file, text)
    count = len(environment.entries)
    invocation.answer({"file": file, "variables": count}, f"{count} variables of {environment.app} are in {file}")


@subcommand(env, "get", examples=("addonkit env get -a shop DATABASE_URL", "addonkit env get -a shop PGHOST --json"))
@app_option()
@click.argument("key", metavar="KEY", shell_complete=completes("key"))
@click.pass_obj
def get(invocation: Invocation, app: str, key: str) -> None:
    """Print the value of one variable of an app, whole, also when it is secret."""
    from addonkit.cli.render import json
    from addonkit.cli.streams import write_exactly
    from addonkit.controller.unknown_names import suggestion
    from addonkit.errors import NotFound

    environment = invocation.quick_environment(app, running=False)
    if environment is None:
        environment = with_kit(invocation, lambda kit: _look(kit, app, start=False))
    entries = {entry.variable.key: entry.variable for entry in environment.entries}
    if key not in entries:
        advice = suggestion(key, entries, f"see `addonkit env -a {app}`")
        raise NotFound(f"cannot get {key!r} of {app}", "the app receives no variable of this name", advice)
    if invocation.json:
        invocation.answer({"app": app, **json.variable_json(entries[key], reveal=True)}, "")
    else:
        write_exactly(f"{entries[key].text}\n")


@subcommand(
    env,
    "set",
    examples=("addonkit env set -a shop DEBUG=1 LOG_LEVEL=info", "addonkit env set -a shop --secret API_KEY < key.txt"),
)
@app_option()
@click.option("--secret", is_flag=True, help="Hide the values; a KEY without a value is asked for, or read from stdin.")
@click.argument("settings", metavar="KEY=VALUE...", nargs=-1, required=True)
@click.pass_obj
def set_(invocation: Invocation, app: str, secret: bool, settings: tuple[str, ...]) -> None:
    """Set variables of an app by hand.

    Sets of addons that use one of these names get a prefix in the same moment. Everybody on this machine
    can read a command line while it runs: give secrets as KEY alone.
    """
    values = _values(settings, secret=secret)
    hint = f"`addonkit env -a {app}` shows whether they are set"
    new_app, moves = with_kit(invocation, lambda kit: _set(kit, app, values, secret=secret), hint=hint)
    _report_change(invocation, app, "is set", values, moves, new_app=new_app)


async def _set(kit: Kit, app: str, values: Mapping[str, str], *, secret: bool) -> tuple[bool, Sequence[VariableMove]]:
    """Set them; whether the app is new, and what moved."""
    new_app = not await kit.has_app(app)
    return new_app, await kit.set_variables(app, values, sensitive=secret)


@subcommand(env, "unset", examples=("addonkit env unset -a shop DEBUG LOG_LEVEL",))
@app_option()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True, shell_complete=completes("manual"))
@click.pass_obj
def unset(invocation: Invocation, app: str, keys: tuple[str, ...]) -> None:
    """Remove variables that were set by hand.

    Sets of addons that had moved away from these names come back.
    """
    hint = f"`addonkit env -a {app}` shows whether they are set"
    moves = with_kit(invocation, lambda kit: kit.unset_variables(app, keys), hint=hint)
    _report_change(invocation, app, "is unset", keys, moves)


@subcommand(
    env,
    "outputs",
    examples=("addonkit env outputs", "addonkit env outputs --forget .env    the file stays as it is"),
)
@click.option("--forget", metavar="FILE", help="Write this file no more.")
@click.pass_obj
def outputs(invocation: Invocation, forget: str | None) -> None:
    """List files that follow the variables of apps; see `env --follow`."""
    if forget is not None:
        forgotten = with_kit(invocation, lambda kit: kit.environment_files.forget(forget))
        text = f"{forgotten.path} follows the variables of {forgotten.app} no more; it stays as it is"
        invocation.answer({"file": forgotten.path, "app": forgotten.app, "follows": False}, text)
        return
    from addonkit.cli.render.environment_files import files_json, files_text

    found = with_kit(invocation, _outputs)
    invocation.answer(files_json(found), files_text(found))


async def _outputs(kit: Kit) -> Sequence[EnvironmentFile]:
    """Return the files, each with what comes of writing it now."""
    await kit.environment_files.write()
    return await kit.environment_files.list()


def _values(settings: Sequence[str], *, secret: bool) -> dict[str, str]:
    from addonkit.models.variable import check_posix_name

    mistake = "a variable is KEY=VALUE; with --secret a KEY alone is asked for"
    values = assignments(settings, mistake, key_alone=secret)
    for key in values:
        check_posix_name(key)
    return fill_in(values)


def _report_change(
    invocation: Invocation,
    app: str,
    done: str,
    keys: Mapping[str, str] | Sequence[str],
    moves: Sequence[VariableMove],
    *,
    new_app: bool = False,
) -> None:
    from addonkit.cli.render import json, text

    lines = [f"app {app} is new"] if new_app else []
    lines += [f"{key} {done}" for key in keys]
    document = {"app": app, "keys": [*keys], "moves": json.moves_json(moves), "new_app": new_app}
    invocation.answer(document, "\n".join((*lines, *text.moves_lines(moves))))
