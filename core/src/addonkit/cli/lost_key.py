"""Carries out `addonkit rotate --lost`: makes lost secrets anew."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from addonkit.cli.event_loop import with_kit
from addonkit.cli.streams import clean, echo_err

if TYPE_CHECKING:
    from addonkit.cli.invocation import Invocation
    from addonkit.kit.lost_key import Recovered
    from addonkit.models.lost_secrets import LostSecrets

_LOSSES = """\
this home's secrets cannot be opened without its key, and are lost:
variables set by hand as secret, secret settings, and the key of backups, unless you have written it down;
each app gets new credentials, and each server restarts; data stay"""


def recover_instance(invocation: Invocation, instance: str, app: str | None) -> None:
    """Make the credentials of one instance anew."""
    hint = f"run `addonkit rotate {instance} --lost` to continue"
    with_kit(invocation, lambda kit: kit.recovery.instance(instance, app), hint=hint)
    text = f"addonkit works on the server of {instance} again, and its apps have new credentials; start again what runs"
    invocation.answer({"instance": instance}, text)


def recover_home(invocation: Invocation, *, yes: bool) -> None:
    """Give the home a new key, and make all credentials anew."""
    from addonkit.cli.prompts import confirm
    from addonkit.kit.home import find_home
    from addonkit.kit.lost_key import is_lost, replace_key

    home = find_home(invocation.home, os.environ)
    if (home / "state.db").exists() and is_lost(home, os.environ):
        if not yes:
            confirm("cannot make lost secrets anew", _LOSSES, "make new secrets?", json=invocation.json)
        replace_key(home, os.environ)

    def tell(name: str) -> None:
        if not invocation.json:
            echo_err(f"{clean(name)}: making new credentials")

    recovered = with_kit(
        invocation, lambda kit: kit.recovery.home(tell), hint="run `addonkit rotate --lost` to continue"
    )
    invocation.answer(_document(recovered), "\n".join(_lines(recovered)))
    if recovered.problems:
        raise click.exceptions.Exit(1)


def _document(recovered: Recovered) -> dict[str, object]:
    lost = recovered.lost
    return {
        "instances": list(recovered.instances),
        "problems": dict(recovered.problems),
        "lost": {"variables": list(lost.variables), "settings": list(lost.settings), "backups": lost.backups},
    }


def _lines(recovered: Recovered) -> list[str]:
    lines = [f"{each} has new credentials" for each in recovered.instances]
    lines += [f"{name} has none: {clean(problem)}" for name, problem in recovered.problems.items()]
    lines += _lost_lines(recovered.lost)
    if recovered.problems:
        lines.append("run `addonkit rotate --lost` again to complete it")
    return lines


def _lost_lines(lost: LostSecrets) -> list[str]:
    lines = [f"lost: variable {each}; run `addonkit env set --secret` to set it" for each in lost.variables]
    lines += [f"lost: setting {each}; run `addonkit config set` to set it" for each in lost.settings]
    if lost.backups:
        lines.append("lost: the key of backups made so far; `addonkit backup key` takes it where you have a copy")
    return lines
