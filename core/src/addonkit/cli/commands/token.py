"""`addonkit token`: tokens of programs that ask over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from addonkit.cli.command import group, show_help, subcommand
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from addonkit.models.token import Token


@group(
    "token",
    examples=(
        "addonkit token create deploy --role operator --app shop",
        "addonkit token list",
        "addonkit token revoke k3x7mw2abc",
    ),
    invoke_without_command=True,
)
@click.pass_context
def token(ctx: click.Context) -> None:
    """Make tokens for programs that ask over the network.

    An admin may do everything, tokens included. An operator changes apps and instances and sees secrets. A reader
    looks, and sees no secret.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(token, "create", examples=("addonkit token create deploy --role operator --app shop",))
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["admin", "operator", "reader"]),
    default="reader",
    show_default=True,
    help="Rights of its user.",
)
@click.option("-a", "--app", "apps", metavar="APP", multiple=True, help="An app it reaches; without one, all.")
@click.pass_obj
def create(invocation: Invocation, name: str, role: str, apps: tuple[str, ...]) -> None:
    """Make a token and print it. It is shown this once: only a digest is kept."""
    from addonkit.models.token import Role

    made, text = with_kit(invocation, lambda kit: kit.tokens.create(name, Role(role), apps))
    invocation.answer({**_json(made), "text": text.reveal()}, text.reveal())


@subcommand(token, "list", examples=("addonkit token list",))
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List tokens, oldest first."""
    from addonkit.cli.render.table import table
    from addonkit.cli.render.times import time_text

    found = with_kit(invocation, lambda kit: kit.tokens.list())
    rows = [(t.id, t.name, str(t.role), ", ".join(t.apps) or "all", time_text(t.created)) for t in found]
    text = table(("ID", "NAME", "ROLE", "APPS", "CREATED"), rows) if found else "there are no tokens"
    invocation.answer({"tokens": [_json(each) for each in found]}, text)


@subcommand(token, "revoke", examples=("addonkit token revoke k3x7mw2abc",))
@click.argument("id")
@click.pass_obj
def revoke(invocation: Invocation, id: str) -> None:
    """Make a token worthless at once."""
    with_kit(invocation, lambda kit: kit.tokens.revoke(id))
    invocation.answer({"revoked": id}, f"token {id} is revoked")


def _json(found: Token) -> dict[str, Any]:
    created = found.created.isoformat() if found.created else None
    return {"id": found.id, "name": found.name, "role": str(found.role), "apps": [*found.apps], "created": created}
