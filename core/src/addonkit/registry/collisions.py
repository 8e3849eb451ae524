"""The core's own answer to colliding variables, and the check of everybody's answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.errors import ContractViolation
from addonkit.hookspecs import hookimpl
from addonkit.models.variable import KEY, Variable

if TYPE_CHECKING:
    from addonkit.models.instance import Association
    from addonkit.models.result import ProvisionResult


def prefixed(result: ProvisionResult, association: Association) -> tuple[Variable, ...]:
    """Return the variables with the prefix of the association before every name."""
    return tuple(each.renamed(association.prefix + each.key) for each in result.variables)


@hookimpl(trylast=True)
def addon_adjust_env_vars(result: ProvisionResult, association: Association) -> Sequence[Variable]:
    """Return what is answered for addons and policies that have no better answer."""
    return prefixed(result, association)


def check_adjusted(result: ProvisionResult, adjusted: Any, taken: Collection[str]) -> None:
    """Accept an answer of `addon_adjust_env_vars`, or not.

    Right is: as many variables as the result has, in the same order, with the same values and as secret;
    every key changed or none; no key twice, none of the `taken` ones.

    Raises:
        ContractViolation: with what is wrong.
    """
    fault = adjustment_fault(result, adjusted, taken)
    if fault:
        raise ContractViolation("checking renamed variables", fault)


def adjustment_fault(result: ProvisionResult, adjusted: Any, taken: Collection[str]) -> str:
    """Return what `check_adjusted` has against an answer; empty when it is right."""
    if isinstance(adjusted, str) or not isinstance(adjusted, Sequence):
        return f"it answered {_article(adjusted)}, not a sequence of variables"
    stranger = next((each for each in adjusted if not isinstance(each, Variable)), None)
    if stranger is not None:
        return f"it answered a sequence with {_article(stranger)} in it, not only variables"
    if len(adjusted) != len(result.variables):
        return f"it answered {len(adjusted)} variables where {len(result.variables)} were given"
    return _values_fault(result.variables, adjusted) or _keys_fault(result.variables, adjusted, taken)


def _values_fault(given: Sequence[Variable], adjusted: Sequence[Variable]) -> str:
    for old, new in zip(given, adjusted, strict=True):
        if attrs.evolve(new, key=old.key) != old:
            return f"it changed more than the name of {old.key}"
    return ""


def _keys_fault(given: Sequence[Variable], adjusted: Sequence[Variable], taken: Collection[str]) -> str:
    keys = [each.key for each in adjusted]
    kept = [new for old, new in zip(given, keys, strict=True) if old.key == new]
    if kept and len(kept) < len(keys):
        return f"it renamed only a part of the set: {kept[0]} kept its name"
    odd = next((key for key in keys if not KEY.fullmatch(key)), "")
    if odd:
        return f"it chose the name {odd}, and names have capital letters, digits and '_'"
    twice = next((key for key in keys if keys.count(key) > 1), "")
    if twice:
        return f"it named two variables {twice}"
    clash = next((key for key in keys if key in taken), "")
    return f"it chose {clash}, which is taken" if clash else ""


def _article(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
