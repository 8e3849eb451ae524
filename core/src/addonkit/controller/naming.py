"""Under which names an app sees the variables of its addons: pure functions.

A set of variables moves as a whole. A set has its plain names when it is primary and no name of it was
set by hand; otherwise it has a prefix. Names are resolved anew in the transaction that changes anything
they depend on, so they are never stale.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import attrs

from addonkit.models.instance import Association, Phase
from addonkit.models.variable import Variable, VariableMove

BY_HAND = "set by hand"

Adjust = Callable[[Association, Sequence[str], Collection[str]], tuple[Variable, ...]]
"""Renames a set: its association, the names that are taken, and all names that the answer must avoid."""


def resolve_names(
    manual: Collection[str], associations: Sequence[Association], adjust: Adjust
) -> tuple[Association, ...]:
    """Return the associations with the names that their variables have now, in the given order.

    Args:
        manual: names of the app's own variables; they always win.
        associations: of one app. Those that are not active keep no names.
        adjust: see Adjust.
    """
    active = sorted((a for a in associations if a.phase is Phase.ACTIVE), key=_rank)
    # All owners of plain names first: why a set moved must not depend on the order in which sets were looked at.
    owners, ranked = _owners(manual, active)
    result: dict[str, Association] = {}
    used = set(owners)
    # In the order they were made, whichever is primary now: resolving twice changes nothing.
    for association in sorted(ranked, key=lambda a: (a.order, a.id)):
        keys = [variable.key for variable in association.plain]
        if association.primary and all(owners.get(key) == association.id for key in keys):
            result[association.id] = attrs.evolve(association, variables=association.plain, message="")
            continue
        taken = tuple(key for key in keys if key in owners)
        variables = adjust(association, taken, used)
        used.update(variable.key for variable in variables)
        reason = _reason(association, taken, owners, ranked)
        result[association.id] = attrs.evolve(association, variables=variables, message=reason)
    return tuple(result.get(a.id, attrs.evolve(a, variables=())) for a in associations)


def _owners(
    manual: Collection[str], ranked: Sequence[Association]
) -> tuple[Mapping[str, str], tuple[Association, ...]]:
    """Return which association has each plain name (BY_HAND for the app's own), and who is still primary then."""
    owners: dict[str, str] = dict.fromkeys(manual, BY_HAND)
    judged = []
    for association in ranked:
        taken = {owners[variable.key] for variable in association.plain if variable.key in owners}
        primary = association.primary and not taken - {BY_HAND}
        if primary and not taken:
            owners.update((variable.key, association.id) for variable in association.plain)
        judged.append(attrs.evolve(association, primary=primary))
    return owners, tuple(judged)


def promote(associations: Sequence[Association], association_id: str) -> tuple[Association, ...]:
    """Return the associations with this one primary, and none primary that shares a name with it."""
    chosen = next(a for a in associations if a.id == association_id)
    keys = {variable.key for variable in chosen.plain}

    def turned(association: Association) -> Association:
        if association.id == association_id:
            return attrs.evolve(association, primary=True)
        rival = any(variable.key in keys for variable in association.plain)
        return attrs.evolve(association, primary=False) if rival else association

    return tuple(turned(a) for a in associations)


def moves(before: Sequence[Association], after: Sequence[Association]) -> tuple[VariableMove, ...]:
    """Return which variables have another name afterwards; sets that come or go are not moves."""
    old: Mapping[str, Association] = {a.id: a for a in before}
    found: list[VariableMove] = []
    for association in after:
        former = old.get(association.id)
        if former is None or len(former.variables) != len(association.variables):
            continue
        reason = association.message or "its plain names are free"
        for was, now in zip(former.variables, association.variables, strict=True):
            if was.key != now.key:
                found.append(VariableMove(association.label, was.key, now.key, reason))
    return tuple(found)


def moved_from_plain(association: Association) -> tuple[VariableMove, ...]:
    """Return which variables of an active association do not have their plain names, unless the user chose so."""
    if association.alias or not association.variables:
        return ()
    pairs = zip(association.plain, association.variables, strict=True)
    return tuple(
        VariableMove(association.label, plain.key, now.key, association.message)
        for plain, now in pairs
        if plain.key != now.key
    )


def _rank(association: Association) -> tuple[bool, int, str]:
    return (not association.primary, association.order, association.id)


def _reason(
    association: Association, taken: Sequence[str], owners: Mapping[str, str], others: Sequence[Association]
) -> str:
    if not taken:
        return f"named {association.label}"
    owner = owners[taken[0]]
    labels = (other.label for other in others if other.id == owner)
    return f"{taken[0]} is {owner}" if owner == BY_HAND else f"{taken[0]} belongs to {next(labels)}"
