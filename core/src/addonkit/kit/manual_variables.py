"""Variables of an app that are set by hand, beside those of its instances."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.deletion import forget_empty_app
from addonkit.controller.lookup import get_app
from addonkit.controller.requests import ensure_app
from addonkit.controller.variables import resolve_app_names
from addonkit.errors import UnknownInstance
from addonkit.models.identifiers import check_app_name
from addonkit.models.variable import Variable, VariableMove, check_posix_name, check_text

if TYPE_CHECKING:
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store, Transaction


async def set_variables(
    store: Store, registry: Registry, app: str, values: Mapping[str, str], *, sensitive: bool = False
) -> tuple[VariableMove, ...]:
    """Set variables of an app by hand; sets of addons that use these names move out of the way."""
    check_app_name(app)
    for key, text in values.items():
        check_posix_name(key)
        check_text(key, text)
    new = {key: Variable(key, value, sensitive) for key, value in values.items()}

    def decide(tx: Transaction) -> tuple[VariableMove, ...]:
        ensure_app(tx, app)
        return _change(tx, registry, app, lambda old: {**old, **new})

    return await store.transact(decide)


async def unset_variables(
    store: Store, registry: Registry, app: str, keys: Collection[str]
) -> tuple[VariableMove, ...]:
    """Remove variables of an app that were set by hand; sets that moved away from them come back.

    Raises:
        UnknownApp: there is no such app.
        UnknownInstance: a variable is not set by hand.
    """

    def decide(tx: Transaction) -> tuple[VariableMove, ...]:
        entity = get_app(tx, app, f"cannot unset variables of {app}")
        known = {variable.key for variable in entity.value.variables}
        missing = [key for key in keys if key not in known]
        if missing:
            raise UnknownInstance(
                f"cannot unset {missing[0]} of {app}", "it is not set by hand", f"see `addonkit env -a {app}`"
            )
        moved = _change(tx, registry, app, lambda old: {k: v for k, v in old.items() if k not in keys})
        forget_empty_app(tx, app)
        return moved

    return await store.transact(decide)


def _change(
    tx: Transaction, registry: Registry, app: str, change: Callable[[dict[str, Variable]], dict[str, Variable]]
) -> tuple[VariableMove, ...]:
    entity = get_app(tx, app, f"cannot change variables of {app}")
    variables = change({variable.key: variable for variable in entity.value.variables})
    tx.put(entity, attrs.evolve(entity.value, variables=tuple(variables.values())))
    return resolve_app_names(tx, registry, app)[1]
