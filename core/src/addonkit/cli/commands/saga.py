"""`addonkit saga`: what was done step by step, and the operator's ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import group, show_help, subcommand, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import execution_argument
from addonkit.cli.prompts import confirm

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
    """Inspect, retry or abandon operations.

    Everything longer is a saga: steps that are recorded, each with its undo. When a step fails, the others
    are undone; when an undo keeps failing, the execution is blocked and waits for retry or abandon.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(saga, "list", examples=("addonkit saga list --unfinished",))
@click.option("--unfinished", is_flag=True, help="Only those that run, undo or are blocked.")
@click.pass_obj
def list_(invocation: Invocation, unfinished: bool) -> None:
    """List executions, oldest first."""
    from addonkit.cli.render import executions, json

    found = with_kit(invocation, lambda kit: kit.executions(unfinished=unfinished))
    invocation.answer({"executions": [json.execution_json(e) for e in found]}, executions.executions_text(found))


@subcommand(saga, "show", examples=("addonkit saga show provision/k3x7mw2abc/1",))
@execution_argument()
@click.pass_obj
def show(invocation: Invocation, execution: str) -> None:
    """Show the steps of an execution and what happened."""
    _show(invocation, with_kit(invocation, lambda kit: kit.execution(execution)))


@subcommand(saga, "retry", examples=("addonkit saga retry provision/k3x7mw2abc/1",))
@execution_argument()
@click.pass_obj
def retry(invocation: Invocation, execution: str) -> None:
    """Resume a blocked or interrupted execution."""
    hint = "run the same command again to continue"
    _show(invocation, with_kit(invocation, lambda kit: kit.retry_execution(execution), hint=hint))


@subcommand(saga, "abandon", examples=("addonkit saga abandon provision/k3x7mw2abc/1",))
@execution_argument()
@yes_option("Do not ask.")
@click.pass_obj
def abandon(invocation: Invocation, execution: str, yes: bool) -> None:
    """Give up the undos that are left.

    Things that these steps made stay, and are not managed any more; `addonkit doctor` may find it.
    """
    from addonkit.cli.render.executions import execution_text

    found = with_kit(invocation, lambda kit: kit.execution(execution))
    if not yes:
        confirm(f"cannot abandon {execution}", execution_text(found), "Give it up?", json=invocation.json)
    hint = f"`addonkit saga show {execution}` shows whether it is abandoned"
    left = with_kit(invocation, lambda kit: kit.abandon_execution(execution), hint=hint)
    text = f"{execution} is abandoned; these stay: {', '.join(left) if left else 'nothing'}"
    invocation.answer({"execution": execution, "left": list(left)}, text)


def _show(invocation: Invocation, execution: Execution) -> None:
    from addonkit.cli.render import executions, json

    invocation.answer(json.execution_json(execution), executions.execution_text(execution))
