"""`addonkit destroy`: an instance and its data go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, instance_argument
from addonkit.cli.prompts import confirm

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.trash import TrashedInstance
    from addonkit.models.views import InstanceView, Plan


@command(
    "destroy",
    examples=(
        "addonkit destroy shop-postgresql",
        "addonkit destroy postgresql -a shop --yes",
        "addonkit destroy shop-postgresql --dry-run    what would be done, and what would be lost",
        "addonkit destroy shop-postgresql --now        without a final backup: nothing brings the data back",
        "addonkit destroy --app shop                   everything of the app",
        "addonkit undestroy shop-postgresql            bring it back",
        "addonkit destroy shop-s3-remote --forget      its service no longer exists",
    ),
)
@instance_argument(required=False)
@app_option(required=False, help=f"{INSTANCE_OF_APP} Without INSTANCE: everything of the app.")
@yes_option("Do not ask.")
@click.option("--now", is_flag=True, help="Make no final backup; nothing brings the data back.")
@click.option("--no-wait", is_flag=True, help="Only record it; `addonkit retry` carries it out.")
@click.option(
    "--forget", is_flag=True, help="Remove nothing, only forget it: its service or its addon does not answer."
)
@click.option("--dry-run", is_flag=True, help="Show the steps and what would be lost; change nothing.")
@click.pass_obj
def destroy(
    invocation: Invocation,
    instance: str | None,
    app: str | None,
    yes: bool,
    now: bool,
    no_wait: bool,
    forget: bool,
    dry_run: bool,
) -> None:
    """Remove an instance and all its data, or everything of an app.

    Says what will happen and asks for the name. First a final backup is made and proved. It stays in the trash for a
    week, or for as long as ADDONKIT_TRASH says; `addonkit undestroy` brings the instance back. A backup that fails
    stops the command. A cache, and an addon without backups, leave nothing in the trash.

    Its variables go next, from every app; it works in every state, also on one that is only half made. With --app and
    no INSTANCE, the app's own instances are destroyed and those of other apps are detached. Variables set by hand are
    removed too. With --forget nothing is removed: the answer names what stays and where.
    """
    if forget and (no_wait or now or instance is None):
        raise click.UsageError("--forget is done at once, for one INSTANCE; leave out --no-wait and --now")
    if instance is None:
        _destroy_app(invocation, app, yes=yes, now=now, no_wait=no_wait, dry_run=dry_run)
        return
    from addonkit.cli.render import json, plans, trash

    if dry_run:
        _view, plan = with_kit(invocation, lambda kit: _plan(kit, instance, app, forget=forget, now=now))
        invocation.answer(json.plan_json(plan), plans.plan_text(plan))
        return
    view = _confirmed(invocation, instance, app, yes=yes, forget=forget, now=now)
    name = view.instance.name
    if forget:
        stays = with_kit(invocation, lambda kit: _forget(kit, view, instance, app))
        answer = {"instance": name, "state": "forgotten", "stays": list(stays)}
        invocation.answer(answer, plans.forgotten_text(name, stays))
        return
    kept = with_kit(
        invocation,
        lambda kit: _destroy(kit, view, instance, app, now=now, wait=not no_wait),
        hint=f"run `addonkit destroy {name}` to continue",
    )
    document = {
        "instance": name,
        "state": "recorded" if no_wait else "gone",
        "trash": trash.trashed_json(kept) if kept else None,
    }
    invocation.answer(document, trash.destroyed_text(name, kept, waited=not no_wait))


def _destroy_app(
    invocation: Invocation, app: str | None, *, yes: bool, now: bool, no_wait: bool, dry_run: bool
) -> None:
    """Everything of an app, which the user names: never the one that the environment names."""
    from addonkit.cli.app_removal import plan_removal, remove
    from addonkit.cli.render.trash import app_kept_lines, trashed_json
    from addonkit.models.app import DefaultApp

    if app is None or isinstance(app, DefaultApp):
        raise click.UsageError("missing argument 'INSTANCE'; give -a APP to destroy everything of an app")
    if no_wait:
        raise click.UsageError("--no-wait goes with an INSTANCE only")
    removal = with_kit(invocation, lambda kit: plan_removal(kit, app, now=now))
    if dry_run:
        invocation.answer(removal.document(), f"{removal.text()}\nno changes made")
        return
    if not yes:
        confirm(f"cannot destroy app {app}", removal.text(), json=invocation.json, name=app)
    hint = f"run `addonkit destroy --app {app}` to continue"
    done = with_kit(invocation, lambda kit: remove(kit, removal, now=now), hint=hint)
    lines = [f"{name}: {reason}" for name, reason in done.failed.items()]
    gone = f"app {app} is gone: {removal.counted()}" if not done.failed else f"app {app} is not gone; {hint}"
    kept = app_kept_lines(app, done.kept, back=not (now or done.failed))
    document = {**removal.document(), "failed": done.failed, "trash": [trashed_json(each) for each in done.kept]}
    invocation.answer(document, "\n".join((*lines, gone, *kept)))
    if done.failed:
        raise click.exceptions.Exit(1)


def _confirmed(
    invocation: Invocation, instance: str, app: str | None, *, yes: bool, forget: bool, now: bool
) -> InstanceView:
    """Return the instance that the user wants to go; asks, with what is lost, unless `yes` says so already."""
    from addonkit.cli.render import plans

    if yes:
        return with_kit(invocation, lambda kit: kit.show(instance, app))
    view, plan = with_kit(invocation, lambda kit: _plan(kit, instance, app, forget=forget, now=now))
    name = view.instance.name
    confirm(f"cannot destroy {name}", plans.losses_text(plan), json=invocation.json, name=name)
    return view


async def _plan(kit: Kit, instance: str, app: str | None, *, forget: bool, now: bool) -> tuple[InstanceView, Plan]:
    view = await kit.show(instance, app)
    return view, await (kit.plan_forget(instance, app) if forget else kit.plan_destroy(instance, app, now=now))


async def _destroy(
    kit: Kit, seen: InstanceView, instance: str, app: str | None, *, now: bool, wait: bool
) -> TrashedInstance | None:
    return await kit.destroy(await _same(kit, seen, instance, app), now=now, wait=wait)


async def _forget(kit: Kit, seen: InstanceView, instance: str, app: str | None) -> tuple[str, ...]:
    return await kit.forget(await _same(kit, seen, instance, app))


async def _same(kit: Kit, seen: InstanceView, instance: str, app: str | None) -> str:
    """Return the name of what the user was shown; raise when another one took it while they thought about it."""
    from addonkit.errors import Conflict

    view = await kit.show(instance, app)
    if view.instance.id != seen.instance.id:
        raise Conflict(f"cannot destroy {instance}", "another instance has this name by now", "run the command again")
    return view.instance.name
