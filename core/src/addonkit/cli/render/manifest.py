"""Plans of manifests, for people and for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.cli.streams import clean

if TYPE_CHECKING:
    from addonkit.models.manifest_plan import Change, ManifestPlan


_OF_WHAT_IS_THERE: Final = frozenset({"configure", "change", "schedule", "upgrade"})


def plan_text(plan: ManifestPlan) -> str:
    """Return what would be done, what would be lost, and what stands against it."""
    lines = [change_line(change) for change in plan.changes]
    lines += [f"moved in {clean(change.app)}: {clean(each)}" for change in plan.changes for each in change.moves]
    lines += [f"gone: {clean(each)}" for change in plan.changes for each in change.gone]
    lines += [f"lost for good: {clean(each)}" for change in plan.changes for each in change.lost]
    lines += [f"what stays: {clean(each)}" for change in plan.changes for each in change.stays]
    lines += [f"kept, as the file does not name it: {clean(each)} (--prune removes it)" for each in plan.kept]
    lines += [f"problem: {clean(each)}" for each in plan.problems]
    if not plan.changes and not plan.problems:
        lines.append("nothing to do")
    return "\n".join(lines)


def change_line(change: Change) -> str:
    """Return `create postgresql:small as postgresql of shop`."""
    if change.verb == "bind":
        return clean(f"bind {change.app} to the git repository of {change.detail}, base {change.subject}")
    if change.verb in _OF_WHAT_IS_THERE:
        return clean(f"{change.verb} {change.subject} of {change.app}: {change.detail}")
    subject = f"{change.verb} {change.detail or change.subject}"
    name = f" as {change.subject}" if change.detail and change.detail != change.subject else ""
    return clean(f"{subject}{name} of {change.app}")


def plan_json(plan: ManifestPlan) -> dict[str, Any]:
    """Return the same for programs."""
    changes = [
        {
            **attrs.asdict(change, filter=_is_shown),
            "verb": change.verb.value,
            "moves": list(change.moves),
            "lost": list(change.lost),
            "stays": list(change.stays),
            "gone": list(change.gone),
        }
        for change in plan.changes
    ]
    return {"changes": changes, "problems": list(plan.problems), "kept": list(plan.kept)}


def _is_shown(field: attrs.Attribute[Any], _value: object) -> bool:
    return field.name != "former"
