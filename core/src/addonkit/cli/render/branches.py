"""Renders branches for people and programs. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.cli.render.json import Json
from addonkit.cli.render.table import table
from addonkit.cli.streams import clean

if TYPE_CHECKING:
    from addonkit.kit.branches import BranchStatus, BranchView

_GIT = {True: "yes", False: "no", None: "unknown"}


def status_json(status: BranchStatus) -> Json:
    """Return whose data a directory uses."""
    return {
        "app": status.app,
        "branch": status.branch or None,
        "base": status.base or None,
        "uses": status.uses,
        "instances": list(status.instances),
        "missing": list(status.missing),
    }


def status_text(status: BranchStatus) -> str:
    """Return the same for people."""
    app, used = clean(status.app), ", ".join(map(clean, status.instances)) or "nothing yet"
    if not status.base:
        return f"{app} has the same data on every branch: {used}"
    if not status.branch:
        return f"this directory is not in the repository of {app}; it uses {used}, as branch {clean(status.base)} does"
    where = f"branch {clean(status.branch)} of {app} uses {used}"
    if status.missing:
        return f"{where}; the next `addonkit run` copies {', '.join(map(clean, status.missing))}"
    return where


def statuses_text(found: Sequence[BranchStatus]) -> str:
    """Return the same of all apps that are bound to one repository."""
    if not found:
        return "no app is bound to the repository of this directory; `addonkit branch bind -a APP` binds one"
    return "\n".join(map(status_text, found))


def branch_json(view: BranchView) -> Json:
    """Return the copies of one branch."""
    return {
        "app": view.app,
        "branch": view.branch,
        "uses": view.uses,
        "instances": list(view.instances),
        "in_git": view.exists,
    }


def list_text(found: Sequence[BranchView]) -> str:
    """Return a table of branches."""
    if not found:
        return "no branch has copies yet; `addonkit branch bind -a APP` begins"
    rows = [(each.app, each.branch, ", ".join(each.instances), _GIT[each.exists]) for each in found]
    return table(("APP", "BRANCH", "INSTANCES", "IN GIT"), rows)
