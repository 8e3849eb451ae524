"""`addonkit set`: other values for options of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import INSTANCE_OF_APP, app_option, completes, instance_argument

if TYPE_CHECKING:
    from addonkit.models.views import OptionPlan


@command(
    "set",
    examples=(
        "addonkit set shop-postgresql                          the options and their values",
        "addonkit set shop-postgresql max_connections=200",
        "addonkit set shop-postgresql storage=5Gi work_mem=16MB",
        "addonkit set shop-postgresql --reset work_mem         the default again",
    ),
)
@instance_argument()
@click.argument("options", metavar="[OPTION=VALUE]...", nargs=-1, shell_complete=completes("assignment"))
@click.option(
    "--reset",
    metavar="OPTION",
    multiple=True,
    shell_complete=completes("option"),
    help="Put an option back to its default.",
)
@app_option(required=False, help=INSTANCE_OF_APP)
@yes_option("Do not ask before the server restarts.")
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
@click.pass_obj
def set(
    invocation: Invocation,
    instance: str,
    options: tuple[str, ...],
    reset: tuple[str, ...],
    app: str | None,
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    """Change options of an instance, or show them.

    Values are checked before anything changes. When the service does not take them, the former values stay in force. A
    change that needs a restart of the server is announced.
    """
    from addonkit.cli.params import option_values
    from addonkit.cli.prompts import confirm
    from addonkit.cli.render import options as render

    values = option_values(options)
    if not (values or reset):
        listed = with_kit(invocation, lambda kit: kit.options.list(instance, app))
        invocation.answer({"options": [render.option_json(each) for each in listed]}, render.options_text(listed))
        return
    plan = with_kit(invocation, lambda kit: kit.options.plan(instance, values, reset=reset, app=app))
    if dry_run:
        invocation.answer(render.plan_json(plan), f"{render.plan_text(plan)}\nno changes made")
        return
    if plan.restart and not yes:
        confirm(
            f"cannot change options of {plan.instance}", render.plan_text(plan), "Restart it?", json=invocation.json
        )
    _carry_out(invocation, plan, values, reset)


def _carry_out(invocation: Invocation, plan: OptionPlan, values: dict[str, str], reset: tuple[str, ...]) -> None:
    from addonkit.cli.render import options as render

    with_kit(
        invocation,
        lambda kit: kit.options.set(plan.instance, values, reset=reset),
        hint=f"run `addonkit retry {plan.instance}` to complete it",
    )
    invocation.answer(render.plan_json(plan), render.done_text(plan))
