"""Operations on options of instances: `Kit.options`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.configuring import begin_change, with_values
from addonkit.controller.lookup import lookup_instance
from addonkit.errors import Busy, InstanceFailed
from addonkit.kit.listening import check_change
from addonkit.models.instance import Instance, Phase
from addonkit.models.options import LISTEN, Options
from addonkit.models.views import InstanceView, OptionPlan, OptionView

if TYPE_CHECKING:
    from addonkit.controller.controller import Controller
    from addonkit.controller.views import Viewer
    from addonkit.kit.admission import Admission
    from addonkit.kit.services import Services
    from addonkit.store.interface import Transaction


class InstanceOptions:
    """Changes options of instances. All methods raise AddonkitErrors.

    Args:
        publish: writes variables where apps read them.
    """

    def __init__(
        self,
        services: Services,
        controller: Controller,
        admission: Admission,
        viewer: Viewer,
        publish: Callable[[], Awaitable[None]],
    ) -> None:
        self._publish = publish
        self._backend = services.backend
        self._store = services.store
        self._registry = services.registry
        self._settings = services.settings
        self._controller = controller
        self._admission = admission
        self._viewer = viewer

    async def list(self, name: str, app: str | None = None) -> tuple[OptionView, ...]:
        """Return all options of an instance, with the values that are in force."""
        instance = await self._find(name, app)
        return option_views(self._options(instance), instance)

    async def plan(
        self, name: str, values: Mapping[str, str], *, reset: Collection[str] = (), app: str | None = None
    ) -> OptionPlan:
        """Return what set would do; the same checks, nothing written.

        Args:
            name: of the instance.
            values: option names to values.
            reset: names of options that go back to their defaults.
            app: what knows the instance by that name.

        Raises:
            InvalidInput: there is no such option, a value is not allowed, or the option can be chosen at create only.
            Busy: the instance is not active.
        """
        return (await self._check(name, values, reset, app))[1]

    async def set(
        self, name: str, values: Mapping[str, str], *, reset: Collection[str] = (), app: str | None = None
    ) -> InstanceView:
        """Bring values into force: for the instance, and for its server, which restarts where that is needed.

        A change that was interrupted is completed first. With a change that fails the former values stay in force.

        Raises:
            InvalidInput, Busy: see plan.
            InstanceFailed: the service did not take the values; the former ones are in force.
        """
        found = await self._find(name, app)
        if found.is_changing:
            await self._controller.reconcile(found.id)
        instance, plan = await self._check(name, values, reset, app)
        if not plan.changes:
            return await self._viewer.instance(await self._without_problem(instance))
        options = self._options(instance)
        chosen = {key: value for key, value in instance.options.items() if key not in reset}
        chosen |= options.checked(values, attempted=_attempted(instance), former=instance.config)
        wanted = {each.name: each.value for each in plan.changes}

        def decide(tx: Transaction) -> Instance:
            entity = tx.get(Instance, instance.id)
            if entity is None or entity.value.phase is not Phase.ACTIVE:
                raise Busy(_attempted(instance), "it is not active any more")
            return begin_change(tx, entity, wanted, chosen, restart=plan.restart)

        begun = await self._store.transact(decide)
        return await self._finish(begun)

    async def _finish(self, begun: Instance) -> InstanceView:
        after = await self._controller.reconcile(begun.id)
        if after is None:
            raise InstanceFailed(_attempted(begun), "it was destroyed meanwhile")
        if after.change is not None:
            found = after.change.problem or "it was not done"
            advice = f"the former values are in force; `addonkit show {after.name}` shows them"
            raise InstanceFailed(_attempted(after), found, advice, instance=after.name) from self._controller.cause(
                after.id
            )
        if LISTEN in (begun.change.values if begun.change else ()):
            await self._publish()
        return await self._viewer.instance(after)

    async def _check(
        self, name: str, values: Mapping[str, str], reset: Collection[str], app: str | None
    ) -> tuple[Instance, OptionPlan]:
        instance = await self._find(name, app)
        attempted = _attempted(instance)
        self._admission.check(instance, "configure")
        options = self._options(instance)
        wanted = options.checked(values, attempted=attempted, former=instance.config)
        options.check_changeable(reset, attempted)
        wanted |= {each: options.default(each) for each in reset if each not in wanted}
        await check_change(self._backend, addon_of(self._registry, instance, "configure"), instance, wanted, attempted)
        await self._settings.check_options(instance.addon, wanted, attempted, instance.config)
        if instance.phase is not Phase.ACTIVE:
            raise Busy(attempted, f"it is {instance.phase}", f"see `addonkit show {instance.name}`")
        plan = _plan(options, instance, wanted)
        self._ask(instance, plan)
        return instance, plan

    def _ask(self, instance: Instance, plan: OptionPlan) -> None:
        """Ask policies and the addon for a change; an addon without addon_configure has nothing to do for it."""
        addon = addon_of(self._registry, instance, "configure")
        if plan.changes and "configure" in addon.capabilities:
            addon.configure(instance, with_values(instance.config, {each.name: each.value for each in plan.changes}))

    async def _without_problem(self, instance: Instance) -> Instance:
        """Forget a change that failed: the values in force are wanted now."""
        if instance.change is None:
            return instance

        def decide(tx: Transaction) -> Instance:
            entity = tx.get(Instance, instance.id)
            if entity is None or entity.value.change != instance.change:
                return instance
            return tx.put(entity, attrs.evolve(entity.value, change=None)).value

        return await self._store.transact(decide)

    def _options(self, instance: Instance) -> Options:
        return addon_of(self._registry, instance, "configure").definition.options_of(instance.variant)

    async def _find(self, name: str, app: str | None) -> Instance:
        return await lookup_instance(self._store, name, app)


def option_views(options: Options, instance: Instance) -> tuple[OptionView, ...]:
    """Return the options of an instance, with values in force and values to come."""
    change = instance.change
    coming = change.values if change is not None and not change.problem else {}
    return tuple(
        OptionView(
            each,
            instance.config.get(each.name, each.default),
            options.default(each.name),
            chosen=each.name in instance.options,
            coming=coming.get(each.name, ""),
        )
        for each in options.offered
    )


def _plan(options: Options, instance: Instance, wanted: Mapping[str, str]) -> OptionPlan:
    former = {name: instance.config.get(name, options.default(name)) for name in wanted}
    changes = tuple(
        OptionView(each, wanted[each.name], former[each.name], chosen=True)
        for each in options.offered
        if each.name in wanted and wanted[each.name] != former[each.name]
    )
    new = {each.name: each.value for each in changes}
    return OptionPlan(instance.name, instance.server, changes, restart=options.needs_restart(former, new))


def _attempted(instance: Instance) -> str:
    return f"cannot change options of {instance.name}"
