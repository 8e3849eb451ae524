"""`addonkit rotate`: new credentials for apps, and an end of the former ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import DURATION, app_option, instance_argument
from addonkit.cli.streams import echo_err

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from addonkit.kit.kit import Kit
    from addonkit.kit.rotations import Kept, Rotated


@command(
    "rotate",
    examples=(
        "addonkit rotate shop-postgresql                        for all its apps",
        "addonkit rotate shop-postgresql -a shop --grace 1h     sessions have an hour to change over",
        "addonkit rotate shop-postgresql --grace 0 --force      the former credentials leaked: end them now",
        "addonkit rotate shop-postgresql --finish               revoke what an earlier rotation has kept",
        "addonkit rotate --lost                                 the home's key is lost: make all secrets anew",
        "addonkit rotate shop-postgresql --admin                the password with which addonkit works on its server",
    ),
)
@instance_argument(required=False)
@app_option(required=False, help="Only for this app.")
@click.option("--grace", type=DURATION, default="10m", show_default=True, help="How long sessions have to change over.")
@click.option("--force", is_flag=True, help="End the sessions that are left after that time.")
@click.option("--no-wait", is_flag=True, help="Return when apps have their new credentials; see --finish.")
@click.option("--finish", is_flag=True, help="Make no new credentials; revoke former ones that no session uses.")
@click.option("--lost", is_flag=True, help="Make anew what was lost: of a server, or of a home whose key is lost.")
@click.option("--yes", is_flag=True, help="Do not ask, with --lost.")
@click.option("--admin", is_flag=True, help="Replace the password of the server's administrator; apps keep theirs.")
@click.pass_obj
def rotate(
    invocation: Invocation,
    instance: str | None,
    app: str | None,
    grace: timedelta,
    *,
    force: bool,
    no_wait: bool,
    finish: bool,
    admin: bool,
    lost: bool,
    yes: bool,
) -> None:
    """Give apps new credentials, and revoke the former ones.

    Both work until no session uses the former ones, or the time is over. Start apps again meanwhile, or let them read
    their variables again when they connect. Former credentials that are used then are kept, unless --force is given;
    `addonkit serve` revokes them when they are used no longer.
    """
    _check_kind({"--lost": lost, "--admin": admin, "--finish": finish}, force=force, no_wait=no_wait)
    if lost:
        from addonkit.cli.lost_key import recover_home, recover_instance

        if instance is None and app is not None:
            raise click.UsageError("-a goes with an INSTANCE only")
        if instance is None:
            recover_home(invocation, yes=yes)
        else:
            recover_instance(invocation, instance, app)
        return
    if instance is None:
        raise click.UsageError("missing argument 'INSTANCE'")
    if admin:
        _rotate_admin(invocation, instance, app)
        return

    async def work(kit: Kit) -> Rotated:
        if finish:
            return await kit.rotations.finish(await kit.name_of(instance, app), force=force)
        return await kit.rotations.rotate(
            instance, app, grace=grace, force=force, wait=not no_wait, published=_published(invocation)
        )

    hint = f"run `addonkit rotate {instance} --finish` to revoke the former credentials later"
    rotated = with_kit(invocation, work, hint=hint)
    invocation.answer(_document(rotated), "\n".join(_lines(rotated)))


def _check_kind(kinds: dict[str, bool], *, force: bool, no_wait: bool) -> None:
    """Refuse words that would do nothing.

    Raises:
        UsageError: there are some.
    """
    given = [kind for kind, is_given in kinds.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} do not go together")
    if (force or no_wait) and given and given != ["--finish"]:
        raise click.UsageError(f"{'--force' if force else '--no-wait'} does not go with {given[0]}")


def _rotate_admin(invocation: Invocation, instance: str, app: str | None) -> None:
    hint = f"run `addonkit rotate {instance} --admin` to continue"
    rotated = with_kit(invocation, lambda kit: kit.admin_passwords.rotate(instance, app), hint=hint)
    names = ", ".join(rotated.instances)
    document = {"instance": rotated.instance, "server": rotated.server, "instances": list(rotated.instances)}
    invocation.answer(document, f"the administrator of the server of {names} has another password")


def _published(invocation: Invocation) -> Callable[[Sequence[str]], None]:
    def tell(apps: Sequence[str]) -> None:
        if not invocation.json:
            echo_err(f"{', '.join(apps)}: new credentials are in force; start again what runs, or let it reconnect")

    return tell


def _document(rotated: Rotated) -> dict[str, object]:
    return {
        "instance": rotated.instance,
        "apps": list(rotated.apps),
        "kept": [
            {
                "app": each.app,
                "generation": each.generation,
                "until": each.until.isoformat(),
                "sessions": each.sessions,
                "problem": each.problem or None,
            }
            for each in rotated.kept
        ],
        "ended": rotated.ended,
        "renewed": rotated.renewed,
    }


def _lines(rotated: Rotated) -> list[str]:
    lines = [f"{rotated.instance} has new credentials for {', '.join(rotated.apps)}"] if rotated.apps else []
    if rotated.renewed:
        lines.append("its server has another certificate; apps verify it with the same file")
    if rotated.ended:
        lines.append(f"{rotated.ended} sessions of the former ones were ended")
    lines += [_kept(rotated.instance, each) for each in rotated.kept]
    if rotated.left:
        lines.append("former credentials still work; the service revokes them when no session uses them")
    if not (rotated.kept or rotated.left):
        lines.append("former credentials are revoked")
    return lines


def _kept(name: str, kept: Kept) -> str:
    """Return why former credentials still work, and what ends them."""
    whose, later = f"former credentials of {kept.app} still work", f"`addonkit rotate {name} --finish`"
    if kept.problem:
        return f"{whose}: {kept.problem}; run {later} to try again"
    if kept.sessions:
        many = kept.sessions > 1
        count = f"{kept.sessions} session{'s' if many else ''} of {kept.app} {'use' if many else 'uses'} them"
        return f"{whose}: {count}; run {later} later, or with --force to end what is left"
    until = kept.until.astimezone().strftime("%H:%M")
    return f"{whose} until {until}; run {later} after that to revoke them"
