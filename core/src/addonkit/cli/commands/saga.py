"""`addonkit saga`: what was done step by step, and the operator's ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.asking import confirm
from addonkit.cli.command import group, show_help, subcommand, yes_option
from addonkit.cli.running import with_kit
from addonkit.cli.session import Session

if TYPE_CHECKING:
    from addonkit.models.execution import Execution


@group(
    "saga",
    examples=(
        "addonkit saga list --unfinished",
        "addonkit saga show provision/k3x7mw2abc/1",
        "addonkit saga retry provision/k3x7mw2abc/1",
        "addonkit saga abandon provision/k3x7mw2abc/1",
    ),
    invoke_without_command=True,
)
@click.pass_context
def saga(ctx: click.Context) -> None:
    """See what was done, step by step; settle what is stuck.

    Everything longer is a saga: steps that are recorded, each with its undo. When a step fails, the others
    are undone; when an undo keeps failing, the execution is blocked and waits for retry or abandon.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(saga, "list", examples=("addonkit saga list --unfinished",))
@click.option("--unfinished", is_flag=True, help="Only those that run, undo or are blocked.")
@click.pass_obj
def list_(session: Session, unfinished: bool) -> None:
    """List executions, oldest first."""
    from addonkit.cli import output, texts

    found = with_kit(session, lambda kit: kit.executions(unfinished=unfinished), heal=False)
    session.answer({"executions": [output.execution_json(e) for e in found]}, texts.executions_text(found))


@subcommand(saga, "show", examples=("addonkit saga show provision/k3x7mw2abc/1",))
@click.argument("execution")
@click.pass_obj
def show(session: Session, execution: str) -> None:
    """Show the steps of an execution and what happened."""
    _show(session, with_kit(session, lambda kit: kit.execution(execution), heal=False))


@subcommand(saga, "retry", examples=("addonkit saga retry provision/k3x7mw2abc/1",))
@click.argument("execution")
@click.pass_obj
def retry(session: Session, execution: str) -> None:
    """Let a blocked or interrupted execution go on."""
    hint = "the same command again goes on"
    _show(session, with_kit(session, lambda kit: kit.retry_execution(execution), hint=hint))


@subcommand(saga, "abandon", examples=("addonkit saga abandon provision/k3x7mw2abc/1",))
@click.argument("execution")
@yes_option("Do not ask.")
@click.pass_obj
def abandon(session: Session, execution: str, yes: bool) -> None:
    """Give up the undos that are left.

    What these steps made stays, and nobody looks after it any more; addonkit doctor may find it.
    """
    from addonkit.cli.texts import execution_text

    found = with_kit(session, lambda kit: kit.execution(execution), heal=False)
    if not yes:
        confirm(f"cannot abandon {execution}", execution_text(found), "Give it up?", json=session.json)
    hint = f"addonkit saga show {execution} shows whether it is abandoned"
    left = with_kit(session, lambda kit: kit.abandon_execution(execution), heal=False, hint=hint)
    text = f"{execution} is abandoned; what is left: {', '.join(left) if left else 'nothing'}"
    session.answer({"execution": execution, "left": list(left)}, text)


def _show(session: Session, execution: Execution) -> None:
    from addonkit.cli import output, texts

    session.answer(output.execution_json(execution), texts.execution_text(execution))
