"""`addonkit branch`: an app has other data on each git branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from addonkit.cli.command import dry_run_option, group, show_help, subcommand, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import app_option
from addonkit.cli.prompts import confirm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from addonkit.kit.branches import BranchView

_AGAIN = "run the same command again; it undoes a half-done attempt first"


@group(
    "branch",
    examples=(
        "addonkit branch bind -a shop           in the checkout, on the branch whose data are shop's own",
        "git switch -c feature && addonkit run -a shop -- psql    a copy is made, and used on this branch alone",
        "addonkit branch status                 which data this directory uses",
        "addonkit branch reset feature -a shop  copy again",
        "addonkit branch prune                  remove the copies of branches that git does not have any more",
    ),
    invoke_without_command=True,
)
@click.pass_context
def branch(ctx: click.Context) -> None:
    """Give an app other data on each git branch.

    On the branch that is bound, and outside of the repository, an app uses its own instances. On every other branch
    `run` and `env` use copies of them, under the same names of variables. Copies are made when they are first needed.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(branch, "bind", examples=("addonkit branch bind -a shop", "addonkit branch bind -a shop --base main"))
@app_option()
@click.option("--base", metavar="BRANCH", default="", help="The branch with the app's own data; default: this one.")
@click.pass_obj
def bind(invocation: Invocation, app: str, base: str) -> None:
    """Bind an app to the git repository of this directory."""
    from addonkit.cli.branching import here

    made = with_kit(invocation, lambda kit: kit.branches.bind(app, here(), base))
    text = f"{app} is bound to {made.git}; branch {made.base} has its own data, every other branch gets copies"
    invocation.answer({"app": app, "git": made.git, "base": made.base}, text)


@subcommand(branch, "unbind", examples=("addonkit branch unbind -a shop",))
@app_option()
@yes_option("Do not ask.")
@dry_run_option()
@click.pass_obj
def unbind(invocation: Invocation, app: str, yes: bool, dry_run: bool) -> None:
    """Remove all copies of an app's data, and use its own on every branch."""
    found = with_kit(invocation, lambda kit: kit.branches.list(app))
    if dry_run:
        _show(invocation, f"{app} would have its own data everywhere", found)
        return
    if found and not yes:
        _ask(invocation, f"unbind {app}", f"the data of its branches {', '.join(each.branch for each in found)}")
    with_kit(invocation, lambda kit: kit.branches.unbind(app), hint=_AGAIN)
    invocation.answer({"app": app, "removed": [each.branch for each in found]}, f"{app} has its own data everywhere")


@subcommand(branch, "status", examples=("addonkit branch status", "addonkit branch status -a shop"))
@app_option(required=False)
@click.pass_obj
def status(invocation: Invocation, app: str | None) -> None:
    """Say which data this directory uses: for one app, or for all that are bound to its repository. Makes nothing."""
    from addonkit.cli.branching import here
    from addonkit.cli.render import branches

    if app is not None:
        found = with_kit(invocation, lambda kit: kit.branches.status(app, here()))
        invocation.answer(branches.status_json(found), branches.status_text(found))
        return
    bound = with_kit(invocation, lambda kit: kit.branches.statuses(here()))
    invocation.answer({"apps": [branches.status_json(each) for each in bound]}, branches.statuses_text(bound))


@subcommand(branch, "list", examples=("addonkit branch list", "addonkit branch list -a shop"))
@app_option(required=False)
@click.pass_obj
def list_(invocation: Invocation, app: str | None) -> None:
    """List the branches that have copies."""
    from addonkit.cli.render import branches

    found = with_kit(invocation, lambda kit: kit.branches.list(app))
    invocation.answer({"branches": [branches.branch_json(each) for each in found]}, branches.list_text(found))


@subcommand(branch, "reset", examples=("addonkit branch reset feature -a shop",))
@click.argument("name", metavar="BRANCH")
@app_option()
@yes_option("Do not ask.")
@dry_run_option()
@click.pass_obj
def reset(invocation: Invocation, name: str, app: str, yes: bool, dry_run: bool) -> None:
    """Remove the copies of a branch, and copy what the app has now."""
    from addonkit.cli.render import branches

    if dry_run:
        found = with_kit(invocation, lambda kit: kit.branches.find(app, name))
        _show(invocation, f"branch {name} of {app} would have new copies", (found,))
        return
    if not yes:
        _ask(invocation, f"reset branch {name}", f"what was changed in the copies of {app} for branch {name}")
    done = with_kit(invocation, lambda kit: kit.branches.reset(app, name), hint=_AGAIN)
    invocation.answer(branches.branch_json(done), f"branch {name} of {app} has new copies; restart what uses them")


@subcommand(branch, "delete", examples=("addonkit branch delete feature -a shop",))
@click.argument("name", metavar="BRANCH")
@app_option()
@yes_option("Do not ask.")
@dry_run_option()
@click.pass_obj
def delete(invocation: Invocation, name: str, app: str, yes: bool, dry_run: bool) -> None:
    """Remove the copies of a branch with their data."""
    from addonkit.cli.render import branches

    if dry_run:
        found = with_kit(invocation, lambda kit: kit.branches.find(app, name))
        _show(invocation, f"the copies of {app} for branch {name} would be removed", (found,))
        return
    if not yes:
        _ask(invocation, f"delete branch {name}", f"the copies of {app} for branch {name}, with their data")
    done = with_kit(invocation, lambda kit: kit.branches.delete(app, name), hint=_AGAIN)
    invocation.answer(branches.branch_json(done), f"the copies of {app} for branch {name} are gone")


@subcommand(branch, "prune", examples=("addonkit branch prune", "addonkit branch prune -a shop --yes"))
@app_option(required=False)
@yes_option("Do not ask.")
@dry_run_option()
@click.pass_obj
def prune(invocation: Invocation, app: str | None, yes: bool, dry_run: bool) -> None:
    """Remove the copies of branches that git does not have any more."""
    from addonkit.cli.render import branches

    found = [each for each in with_kit(invocation, lambda kit: kit.branches.list(app)) if each.exists is False]
    if dry_run:
        _show(invocation, f"the copies of {len(found):,} branches would be removed", found)
        return
    named = ", ".join(f"{each.branch} of {each.app}" for each in found)
    if found and not yes:
        _ask(invocation, "prune branches", f"the copies of {named}, with their data")
    done = with_kit(invocation, lambda kit: kit.branches.prune(app), hint=_AGAIN) if found else ()
    text = f"the copies of {named} are gone" if found else "git has every branch that has copies"
    invocation.answer({"removed": [branches.branch_json(each) for each in done]}, text)


def _show(invocation: Invocation, summary: str, removed: Sequence[BranchView]) -> None:
    """Show what a dry run would remove."""
    from addonkit.cli.render import json, plans
    from addonkit.models.views import Plan

    lost = tuple(f"all data of {name} (branch {each.branch})" for each in removed for name in each.instances)
    plan = Plan(summary, lost=lost)
    invocation.answer(json.plan_json(plan), plans.plan_text(plan))


def _ask(invocation: Invocation, what: str, losses: str) -> None:
    confirm(f"cannot {what}", f"{losses}, will be gone for good", "Go on?", json=invocation.json)
