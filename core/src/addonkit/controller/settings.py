"""Reads and writes what operators tell addons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import attrs

from addonkit.errors import AddonkitError
from addonkit.models.option_values import words_of
from addonkit.models.options import check_allowed
from addonkit.models.secret import reveal
from addonkit.models.settings import (
    Setting,
    Settings,
    SettingValues,
    Values,
    check_complete,
    check_names,
    checked,
    in_force,
)

if TYPE_CHECKING:
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store, Transaction


class SettingsService:
    """Settings of all addons. The environment wins over what is stored, and is never written.

    Args:
        store: where they are kept, secrets sealed.
        registry: knows which settings an addon has.
        environ: the environment to read from.
    """

    def __init__(self, store: Store, registry: Registry, environ: Mapping[str, str]) -> None:
        self._store = store
        self._registry = registry
        self._environ = environ

    async def list(self, addon: str) -> tuple[Setting, ...]:
        """Return all settings of an addon, as they are in force.

        Raises:
            UnknownAddon, AddonBroken: as `Registry.get`.
        """
        definition = self._registry.get(addon).definition
        if not definition.settings:
            return ()
        entity = await self._store.get(Settings, addon)
        return in_force(definition, entity.value.values if entity else {}, self._environ)

    async def read(self, addon: str) -> Values:
        """Return values in force by name, for steps; those without one are left out. An addon that is away has none."""
        try:
            needed = any(each.in_steps for each in self._registry.get(addon).definition.settings)
            found = await self.list(addon) if needed else ()
        except AddonkitError:
            found = ()
        return SettingValues(addon, [each for each in found if each.definition.in_steps])

    async def check(self, addon: str, variant: str) -> None:
        """Make sure that an instance can be created; see `check_complete`."""
        if not any(each.in_steps for each in self._registry.get(addon).definition.settings):
            return
        check_complete(self._registry.get(addon).definition, variant, await self.list(addon))

    async def check_options(
        self, addon: str, values: Mapping[str, str], attempted: str, former: Mapping[str, str] | None = None
    ) -> None:
        """Make sure that the operator allows every word of these values of options, see OptionDefinition.

        Args:
            addon: its name.
            values: of options, by name.
            attempted: what is done, for messages.
            former: values that are in force: what they have stays allowed.

        Raises:
            InvalidInput: naming the first that is not allowed.
        """
        for option in self._registry.get(addon).definition.options:
            if not option.allowed_by or option.name not in values:
                continue
            allowed = await self.allowed_words(addon, option.allowed_by)
            there = words_of((former or {}).get(option.name, ""))
            check_allowed(addon, option, values[option.name], (*allowed, *there), attempted)

    async def allowed_words(self, addon: str, setting: str) -> tuple[str, ...]:
        """Return words of a setting that says what the operator allows; none when there is no such setting."""
        values = {each.definition.name: reveal(each.value or "") for each in await self.list(addon)}
        return tuple(words_of(values.get(setting, "").replace(" ", ",")))

    async def set(self, addon: str, values: Mapping[str, str]) -> None:
        """Store values; others stay.

        Raises:
            InvalidInput: for a name the addon does not have, or a value it does not allow.
        """
        new = checked(self._registry.get(addon).definition, values)
        await self._change(addon, lambda old: {**old, **new})

    async def unset(self, addon: str, names: Collection[str]) -> None:
        """Forget stored values. What is not stored is success; an unknown name raises InvalidInput."""
        check_names(self._registry.get(addon).definition, names)
        await self._change(addon, lambda old: {name: value for name, value in old.items() if name not in names})

    async def _change(self, addon: str, change: Callable[[Values], Values]) -> None:
        def decide(tx: Transaction) -> None:
            entity = tx.get(Settings, addon)
            after = dict(change(entity.value.values if entity else {}))
            if entity is None and after:
                tx.create(addon, Settings(addon, after))
            elif entity is not None and after:
                tx.put(entity, attrs.evolve(entity.value, values=after))
            elif entity is not None:
                tx.delete(Settings, addon)

        await self._store.transact(decide)
