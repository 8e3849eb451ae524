"""Renders plans of operations as text for people. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.cli.streams import clean

if TYPE_CHECKING:
    from addonkit.models.views import Plan, PlannedStep


def plan_text(plan: Plan) -> str:
    """Return what would be done, and that nothing was."""
    lines = [plan.summary]
    lines += _listed("steps", [_step_line(step) for step in plan.steps])
    lines += _listed("variables that would appear", plan.appear)
    lines += _listed("variables that would move", [f"{m.old} to {m.new} ({m.reason})" for m in plan.move])
    lines += _listed("variables that would vanish", plan.vanish)
    lines += _listed("lost for good", plan.lost)
    lines += _listed("what stays", plan.stays)
    return "\n".join((*lines, "no changes made"))


def losses_text(plan: Plan) -> str:
    """Return what is shown before the question."""
    lines = [plan.summary, *_listed("variables that vanish", plan.vanish), *_listed("lost for good", plan.lost)]
    return "\n".join((*lines, *_listed("what stays", plan.stays)))


def forgotten_text(name: str, stays: Sequence[str]) -> str:
    """Return what is left of an instance that was forgotten."""
    lines = [f"{name} is forgotten; nothing was removed"]
    return "\n".join((*lines, *(_listed("what stays", stays) or ["  nothing of it was made"])))


def _step_line(step: PlannedStep) -> str:
    return f"{'  ' * step.depth}{step.title}"


def _listed(title: str, items: Sequence[str]) -> list[str]:
    return [f"  {title}:", *(f"    {clean(item)}" for item in items)] if items else []
