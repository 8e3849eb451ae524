"""Renders options as text and JSON. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from addonkit.cli.render.table import table
from addonkit.cli.streams import clean
from addonkit.models.options import LISTEN

if TYPE_CHECKING:
    from addonkit.models.definition import AddonDefinition
    from addonkit.models.options import OptionDefinition
    from addonkit.models.views import OptionPlan, OptionView


def option_json(option: OptionView) -> dict[str, Any]:
    """Return an option of an instance with its value."""
    return {
        "name": option.name,
        "value": option.value or None,
        "coming": option.coming or None,
        "default": option.former or None,
        "chosen": option.chosen,
        **_definition_json(option.definition),
    }


def _definition_json(option: OptionDefinition) -> dict[str, Any]:
    return {
        "type": str(option.type),
        "allowed": option.limits,
        "restart": option.restart,
        "changeable": option.changeable,
        "description": option.description,
    }


def offered_json(definition: AddonDefinition, variant: str) -> list[dict[str, Any]]:
    """Return the options of a variant."""
    options = definition.options_of(variant)
    return [
        {"name": each.name, "default": options.default(each.name) or None, **_definition_json(each)}
        for each in options.offered
    ]


def options_text(options: Sequence[OptionView]) -> str:
    """Return a table of the options of an instance."""
    if not options:
        return "it has no options"
    rows = [
        (
            each.name,
            (each.value or "-") + (f" (soon {each.coming})" if each.coming else ""),
            each.former or "-",
            each.definition.limits,
            _change(each.definition),
            each.definition.description,
        )
        for each in options
    ]
    return table(("OPTION", "VALUE", "DEFAULT", "ALLOWED", "CHANGE", "DESCRIPTION"), rows)


def offered_text(definition: AddonDefinition) -> str:
    """Return a table of the options of an addon, with the default of each variant; empty when it has none."""
    if not definition.options:
        return ""
    found = [definition.options_of(variant.name) for variant in definition.variants]
    rows = []
    for each in definition.options:
        has = [options for options in found if each in options.offered]
        defaults = dict.fromkeys(options.default(each.name) or "-" for options in has)
        one = next(iter(defaults)) if len(defaults) == 1 else ""
        told = one or ", ".join(f"{options.default(each.name) or '-'} ({options.variant})" for options in has)
        where = "" if len(has) == len(found) else ", ".join(options.variant for options in has)
        rows.append((each.name, told, each.limits, _change(each), where or "all", each.description))
    return table(("OPTION", "DEFAULT", "ALLOWED", "CHANGE", "VARIANTS", "DESCRIPTION"), rows)


def _change(option: OptionDefinition) -> str:
    if not option.changeable:
        return "at create only"
    if option.restart_words:
        return f"restart for {', '.join(option.restart_words)}"
    return "restart" if option.restart else "at once"


def plan_json(plan: OptionPlan) -> dict[str, Any]:
    """Return what a change of options does."""
    changes = [{"name": each.name, "former": each.former or None, "value": each.value or None} for each in plan.changes]
    return {"instance": plan.instance, "changes": changes, "restart": plan.restart}


def plan_text(plan: OptionPlan) -> str:
    """Return what would change."""
    if not plan.changes:
        return f"{plan.instance} has these values already"
    lines = [f"{plan.instance}: {_change_line(each)}" for each in plan.changes]
    if plan.restart:
        lines.append(f"the server of {plan.instance} restarts: apps lose their connections for a moment")
    return "\n".join(lines)


def done_text(plan: OptionPlan) -> str:
    """Return what has changed."""
    if not plan.changes:
        return f"{plan.instance} has these values already"
    restarted = "; its server was restarted" if plan.restart and plan.server else ""
    lines = [f"{plan.instance}: {_change_line(each)}{restarted}" for each in plan.changes]
    if any(each.name == LISTEN for each in plan.changes):
        lines.append(
            "apps receive the other address, with new credentials: start them again;"
            f" `addonkit rotate {plan.instance} --finish` then revokes the former ones"
        )
    return "\n".join(lines)


def _change_line(change: OptionView) -> str:
    return f"{change.name} {clean(change.former) or 'unset'} -> {clean(change.value) or 'unset'}"
