"""Tells what the changes of a manifest do to the names of variables that apps have already. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from addonkit.controller.naming import moves, resolve_names
from addonkit.controller.variables import adjuster
from addonkit.models.manifest_plan import Change, Verb

if TYPE_CHECKING:
    from addonkit.kit.app_state import AppState
    from addonkit.models.instance import Association
    from addonkit.models.variable import VariableMove
    from addonkit.registry.registry import Registry


NAMES: Final = frozenset({Verb.SET, Verb.UNSET, Verb.DETACH, Verb.DESTROY})
"""What takes names of an app, or frees them, without an addon that is asked."""


def moved_names(registry: Registry, there: AppState, changes: Sequence[Change]) -> tuple[VariableMove, ...]:
    """Return which variables that an app has get other names by its changes in NAMES, taken together."""
    by_verb = {verb: {each.subject for each in changes if each.verb is verb} for verb in NAMES}
    manual = {*there.variables} - by_verb[Verb.UNSET] | by_verb[Verb.SET]
    removed = by_verb[Verb.DETACH] | by_verb[Verb.DESTROY]
    stored = [tie.association for tie in there.ties.values()]
    left = [tie.association for label, tie in there.ties.items() if label not in removed]
    return moves(stored, resolve_names(manual, left, adjuster(registry)))


def gone_names(change: Change, there: AppState, associations: Sequence[Association]) -> tuple[str, ...]:
    """Return `APP: VARIABLE` of those that an app has from an addon and that a change takes away.

    Args:
        change: that is planned.
        there: what the app has.
        associations: of the instance that is concerned, whichever app has them.
    """
    if change.verb is Verb.DETACH:
        associations = (there.ties[change.subject].association,)
    return tuple(f"{each.app}: {variable.key}" for each in associations for variable in each.variables)
