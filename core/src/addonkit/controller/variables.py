"""Resolves the names of an app's variables inside a transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.naming import Adjust, moves, resolve_names
from addonkit.errors import AddonkitError
from addonkit.models.app import App
from addonkit.models.instance import Association
from addonkit.models.result import ProvisionResult
from addonkit.models.variable import Variable
from addonkit.registry.collisions import check_adjusted, prefixed

if TYPE_CHECKING:
    from addonkit.models.variable import VariableMove
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Reader, Transaction

Change = Callable[[Sequence[Association]], Sequence[Association]]

by_order: Final = attrgetter("order", "id")
"""Sorts associations of an app in the order they were made."""


def associations_of(tx: Reader, app: str) -> tuple[Association, ...]:
    """Return the associations of an app, in the order they were made."""
    return tuple(sorted((entity.value for entity in tx.list(Association, {"app": app}).items), key=by_order))


def resolve_app_names(
    tx: Transaction, registry: Registry, app: str, change: Change = tuple
) -> tuple[tuple[Association, ...], tuple[VariableMove, ...]]:
    """Apply a change to an app's associations, resolve all names, store what differs.

    Returns:
        The associations as stored, and the variables that have another name now.
    """
    stored = associations_of(tx, app)
    owner = tx.get(App, app)
    manual = {variable.key for variable in owner.value.variables} if owner else set()
    resolved = resolve_names(manual, change(stored), adjuster(registry))
    for before, after in zip(stored, resolved, strict=True):
        if before != after:
            entity = tx.get(Association, after.id)
            assert entity is not None  # listed a moment ago, in this transaction
            tx.put(entity, after)
    return resolved, moves(stored, resolved)


def adjuster(registry: Registry) -> Adjust:
    """Return what renames a set: the addon, or the core where the addon cannot be asked.

    While an addon is away, a set keeps the names that it got from it if they are free.
    """

    def adjust(association: Association, taken: Sequence[str], used: Collection[str]) -> tuple[Variable, ...]:
        kept = _kept(association, used)
        if kept and not _can_be_asked(registry, association.addon):
            return kept
        result = ProvisionResult(association.plain, association.attributes)
        for number in range(1, len(used) + 2):
            alias = association.label if number == 1 else f"{association.label}-{number}"
            named = attrs.evolve(association, alias=alias)
            variables = _ask(registry, result, named, taken)
            if not {variable.key for variable in variables}.intersection(used):
                return variables
        raise AssertionError("one number more than there are names is always free")

    def _ask(
        registry: Registry, result: ProvisionResult, named: Association, taken: Sequence[str]
    ) -> tuple[Variable, ...]:
        try:
            variables = registry.get(named.addon).adjust_env_vars(result, named, taken)
            check_adjusted(result, variables, taken)
        except AddonkitError:
            # The addon is away or breaks the rules: an app's variables do not depend on that.
            return prefixed(result, named)
        return variables

    return adjust


def _kept(association: Association, used: Collection[str]) -> tuple[Variable, ...]:
    """Return the variables under the names that they have now; empty when there are none or they are used."""
    keys = [variable.key for variable in association.variables]
    if len(keys) != len(association.plain) or set(keys).intersection(used):
        return ()
    return tuple(plain.renamed(key) for plain, key in zip(association.plain, keys, strict=True))


def _can_be_asked(registry: Registry, addon: str) -> bool:
    try:
        registry.get(addon)
    except AddonkitError:
        return False
    return True
