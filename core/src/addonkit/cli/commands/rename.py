"""`addonkit rename`: another name for an instance or an app."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import Name


class _Former(Name):
    """The name of an app with --app, else of an instance."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer names of that kind."""
        kind = "app" if ctx.params.get("of_app") else "instance"
        return Name(kind).shell_complete(ctx, param, incomplete)


@command("rename", examples=("addonkit rename shop-postgresql orders-db", "addonkit rename --app shop store"))
@click.option("-a", "--app", "of_app", is_flag=True, help="Rename an app, not an instance.")
@click.argument("former", metavar="NAME", type=_Former("instance"))
@click.argument("new", metavar="NEW")
@click.pass_obj
def rename(invocation: Invocation, of_app: bool, former: str, new: str) -> None:
    """Give an instance or an app another name.

    Variables, credentials and data stay as they are. The instances of a renamed app keep their own names.
    """
    if of_app:
        with_kit(invocation, lambda kit: kit.rename_app(former, new))
    else:
        former = with_kit(invocation, lambda kit: kit.rename(former, new))
    what = "app" if of_app else "instance"
    invocation.answer({what: new, "former": former}, f"{what} {former} is now {new}")
