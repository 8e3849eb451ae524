"""`addonkit home`: where everything is kept, moved as a whole, or copied on purpose."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from addonkit.cli.command import group, show_help, subcommand
from addonkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from addonkit.kit.homes import HomeView


@group(
    "home",
    examples=(
        "addonkit home show",
        "addonkit home move /srv/addonkit",
        "addonkit --home /srv/copy home adopt     make a copy a home of its own",
    ),
    invoke_without_command=True,
)
@click.pass_context
def home(ctx: click.Context) -> None:
    """Show or move the home, or make a copy of one a home of its own."""
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(home, "show", examples=("addonkit home show", "addonkit home show --json"))
@click.pass_obj
def show(invocation: Invocation) -> None:
    """Show where the home is, and whether it is a copy."""
    from addonkit.kit.homes import inspect_home

    found = inspect_home(_home(invocation))
    document = {"path": found.path, "id": found.id, "place": found.place, "known_as": found.known_as}
    invocation.answer(document, _text(found))


@subcommand(home, "move", examples=("addonkit home move /srv/addonkit",))
@click.argument("target")
@click.pass_obj
def move(invocation: Invocation, target: str) -> None:
    """Move the home to TARGET, which must not exist.

    Servers are stopped first; the next command that uses the home in its new place starts them.
    """
    from addonkit.cli.event_loop import run
    from addonkit.cli.failures import report_interrupted
    from addonkit.kit.homes import move

    moved = run(move(_home(invocation), Path(target), os.environ), lambda: report_interrupted(invocation))
    invocation.answer({"path": str(moved)}, f"the home is {moved} now\nnext: export ADDONKIT_HOME={moved}")


@subcommand(home, "adopt", examples=("addonkit --home /srv/copy home adopt",))
@click.pass_obj
def adopt(invocation: Invocation) -> None:
    """Make a copy of a home a home of its own, with servers of its own on new ports."""
    from addonkit.cli.event_loop import run
    from addonkit.cli.failures import report_interrupted
    from addonkit.cli.streams import echo_err
    from addonkit.kit.homes import adopt

    directory = _home(invocation)
    adopted = run(adopt(directory, os.environ), lambda: report_interrupted(invocation))
    for name in adopted.shared:
        echo_err(f"warning: {name} has its data outside the home: destroying it in one home destroys it in both")
    lines = [f"{directory} is a home of its own now"]
    lines += [f"{server} has port {', '.join(map(str, ports))}" for server, ports in adopted.ports.items()]
    document = {
        "id": adopted.id,
        "ports": {s: list(p) for s, p in adopted.ports.items()},
        "shared": list(adopted.shared),
    }
    invocation.answer(document, "\n".join(lines))


def _home(invocation: Invocation) -> Path:
    from addonkit.errors import InvalidInput
    from addonkit.kit.home import find_home

    if os.environ.get("ADDONKIT_URL"):
        found = "ADDONKIT_URL names one that a service answers for"
        raise InvalidInput("cannot show, move or adopt a home", found, "unset ADDONKIT_URL on its machine")
    return find_home(invocation.home, os.environ)


def _text(found: HomeView) -> str:
    lines = [f"path  {found.path}", f"id    {found.id or '-'}"]
    if found.place == "copy":
        lines.append(
            f"a copy of {found.known_as}; run `addonkit --home {found.path} home adopt` to make it a home of its own"
        )
    elif found.place == "moved":
        lines.append(f"moved from {found.known_as}")
    return "\n".join(lines)
