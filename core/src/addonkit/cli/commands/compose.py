"""`addonkit compose`: a provider of services for Docker Compose, which runs it and reads what it prints."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from addonkit.cli.command import group, show_help, subcommand
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import option_values

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.execution import Event

T = TypeVar("T")

_ALIAS: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}(?<!-[0-9a-f]{6})")
"""Aliases but those that end like a digest."""

_KEPT: Final = 33
"""Characters of a service's name in an alias with a digest."""

OPTIONS: Final = {
    "addon": "Name of the addon, and after a colon the variant.",
    "variant": "Name of the variant.",
    "version": "Version of the server.",
    "set": "Options of the addon: NAME=VALUE with commas between.",
    "exact": "Whether dependants get the variables under their own names too: true or false.",
}
"""What `options` of a provider may say; only the addon is needed."""


@group(
    "compose",
    examples=(
        "addonkit compose --project-name shop up --addon postgresql db",
        "addonkit compose --project-name shop down db",
        "addonkit compose metadata",
    ),
    invoke_without_command=True,
)
@click.option("--project-name", metavar="NAME", default="", help="Name of the project; Docker Compose gives it.")
@click.pass_context
def compose(ctx: click.Context, project_name: str) -> None:
    """Provide services to Docker Compose, which runs these commands.

    A service with provider: {type: addonkit, options: {addon: postgresql}} is an instance of the app PROJECT. Services
    that depend on it receive its variables.
    """
    ctx.meta["project"] = project_name
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(compose, "up", examples=("addonkit compose --project-name shop up --addon postgresql db",))
@click.option("--addon", required=True, help=OPTIONS["addon"])
@click.option("--variant", default="", help=OPTIONS["variant"])
@click.option("--version", default="", help=OPTIONS["version"])
@click.option("--set", "options", default="", help=OPTIONS["set"])
@click.option("--exact", type=bool, default=False, help=OPTIONS["exact"])
@click.argument("service")
@click.pass_context
def up(ctx: click.Context, addon: str, variant: str, version: str, options: str, exact: bool, service: str) -> None:
    """Create the instance of a service, or find it, and give its variables."""
    spec = f"{addon}:{variant}" if variant else addon
    values = option_values(each for each in options.split(",") if each)

    async def work(kit: Kit) -> list[tuple[str, str]]:
        app = _project(ctx)
        binding = await kit.create(spec, app, alias=alias_of(service), version=version, options=values)
        for target in await kit.servers(binding.instance.name):
            await kit.start(target)
        given = [("setenv", f"{variable.key}={variable.text}") for variable in binding.association.plain]
        return given + [("rawsetenv", f"{variable.key}={variable.text}") for variable in binding.variables if exact]

    for kind, text in _run(ctx, work):
        _say(kind, text)


@subcommand(compose, "down", examples=("addonkit compose --project-name shop down db",))
@click.argument("service")
@click.pass_context
def down(ctx: click.Context, service: str) -> None:
    """Remove the instance of a service; its data go to the trash. Does nothing if there is none."""
    from addonkit.errors import NotFound

    async def work(kit: Kit) -> None:
        try:
            await kit.destroy(alias_of(service), _project(ctx))
        except NotFound:
            return

    _run(ctx, work)


@subcommand(compose, "stop", examples=("addonkit compose --project-name shop stop db",))
@click.argument("service")
@click.pass_context
def stop(ctx: click.Context, service: str) -> None:
    """Stop the server of a service; `up` starts it. One that other apps use keeps running."""

    async def work(kit: Kit) -> None:
        for target in await kit.servers(alias_of(service), _project(ctx)):
            if not target.others:
                await kit.stop(target)

    _run(ctx, work)


@subcommand(compose, "metadata", examples=("addonkit compose metadata",))
def metadata() -> None:
    """Describe the options of a provider to Docker Compose."""
    given = [{"name": n, "description": d, "required": n == "addon", "type": "string"} for n, d in OPTIONS.items()]
    none: dict[str, Any] = {"parameters": []}
    about = "Databases, caches and buckets as processes of this machine"
    click.echo(json.dumps({"description": about, "up": {"parameters": given}, "down": none, "stop": none}))


def alias_of(service: str) -> str:
    """Return the name that the app has for a service; two services never have the same.

    Most are as the service's own. One that no alias may have, as `Cache.1`, gets a digest at its end: `cache-1-0b2f69`.
    """
    if _ALIAS.fullmatch(service):
        return service
    plain = re.sub(r"[^a-z0-9_-]", "-", service.lower()).lstrip("-_0123456789")
    return f"{plain[:_KEPT] or 's'}-{hashlib.sha256(service.encode()).hexdigest()[:6]}"


def _project(ctx: click.Context) -> str:
    """Return the app that a project is.

    Raises:
        InvalidInput: Docker Compose did not name the project.
    """
    from addonkit.errors import InvalidInput

    project: str = ctx.meta["project"]
    if not project:
        raise InvalidInput("cannot provide a service", "there is no project", "give --project-name")
    return project


def _run(ctx: click.Context, work: Callable[[Kit], Awaitable[T]]) -> T:
    """Do the work; what happens, and what fails, goes to stdout as Docker Compose reads it."""
    from addonkit.cli.event_loop import run
    from addonkit.cli.failures import report_interrupted
    from addonkit.errors import AddonkitError
    from addonkit.util.stdout import redirect_stdout

    invocation: Invocation = ctx.find_object(Invocation) or Invocation()
    redirect_stdout()  # what a plugin prints would be no message

    def take(event: Event) -> None:
        if event.step:
            _say("info", f"{event.message}: {event.kind}")

    async def opened() -> T:
        async with invocation.open(on_event=take, heal=False) as kit:
            return await invocation.followed(kit, work(kit))

    try:
        return run(opened(), lambda: report_interrupted(invocation))
    except AddonkitError as error:
        _say("error", " ".join(str(error).split()))
        raise click.exceptions.Exit(1) from error


def _say(kind: str, text: str) -> None:
    from addonkit.util.stdout import results

    click.echo(json.dumps({"type": kind, "message": text}), file=results())
