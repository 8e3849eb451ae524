"""The operations a user can ask for: check, then write desired state. The controller does the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.act import forget_empty_app
from addonkit.controller.naming import promote
from addonkit.controller.variables import associations_of, settle_app
from addonkit.errors import AlreadyExists, Busy, UnknownApp, UnknownInstance
from addonkit.identifiers import check_alias, check_app_name, new_id
from addonkit.models.app import App
from addonkit.models.definition import CONFIG_DIGEST, CONFIG_VERSION
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.variable import Variable, check_variable_key
from addonkit.models.views import VariableMove

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.registry.catalog import Registry
    from addonkit.store.interface import Entity, Store, Transaction

_UNFINISHED = frozenset({Phase.PENDING, Phase.PROVISIONING})


@attrs.frozen
class Request:
    """A checked request for a new instance: nothing of it is stored yet.

    Attributes:
        app: name of the app.
        addon: name of the addon; `distribution` provides it.
        variant: name of the variant.
        alias: name the user gave; empty without one.
        config: the variant's config with image and version resolved.
    """

    app: str
    addon: str
    distribution: str
    variant: str
    alias: str
    config: Mapping[str, str]

    @property
    def label(self) -> str:
        """The name by which the app knows the addon."""
        return self.alias or self.addon


@attrs.frozen
class Created:
    """What a create or attach wrote. `joined` says that an unfinished one was found instead."""

    instance: Instance
    association: Association
    new_app: bool = False
    joined: bool = False


class Control:
    """Writes desired state; each decision is one transaction."""

    def __init__(self, store: Store, registry: Registry, backend: Backend) -> None:
        self._store = store
        self._registry = registry
        self._backend = backend

    def check(self, spec: str, app: str, *, alias: str = "", version: str = "") -> Request:
        """Check everything about a request that does not need the store. Blocking: may look for programs.

        Raises:
            InvalidInput, UnknownAddon, UnknownVariant, UnknownVersion, AddonBroken: with what is wrong.
        """
        check_app_name(app)
        if alias:
            check_alias(alias)
        addon_name, variant = self._registry.resolve_addon_and_variant(spec)
        addon = self._registry.get(addon_name)
        config = {}
        if addon.definition.program is not None:
            config[CONFIG_VERSION] = self._backend.runnable_version(addon.definition, version)
        wanted = version or config.get(CONFIG_VERSION, "")
        config |= self._registry.get_variant_config(addon_name, variant, wanted)
        return Request(app, addon_name, addon.distribution, variant, alias, config)

    async def create(self, request: Request) -> Created:
        """Record the instance and its association; the app too when it is new.

        The same request again finds the unfinished one.

        Raises:
            AlreadyExists: the app has an addon of that name.
        """
        return await self._store.transact(lambda tx: _create(tx, request))

    async def check_free(self, request: Request) -> bool:
        """Raise what create would raise, without writing; whether it would make a new instance."""
        return await self._store.transact(lambda tx: _find_unfinished(tx, request)) is None

    async def attach(self, name: str, app: str, alias: str = "") -> Created:
        """Record that an app is to receive the variables of an instance that exists.

        Raises:
            UnknownInstance: there is none of that name, or it is being destroyed.
            AlreadyExists: the app has an addon of that name.
        """
        check_app_name(app)
        if alias:
            check_alias(alias)

        def decide(tx: Transaction) -> Created:
            entity = find_instance(tx, name, None)
            instance = entity.value
            attempted = f"cannot attach {name} to {app}"
            if instance.phase is Phase.DEPROVISIONING:
                raise UnknownInstance(attempted, "it is being destroyed")
            others = associations_of(tx, app)
            _check_label(tx, attempted, alias or instance.addon, others)
            if any(a.instance == instance.id for a in others):
                raise AlreadyExists(attempted, "it is attached already", f"see addonkit env -a {app}")
            new_app = _ensure_app(tx, app)
            return Created(instance, _associate(tx, instance, app, alias, others), new_app)

        return await self._store.transact(decide)

    async def detach(self, name: str, app: str) -> tuple[Instance, tuple[str, ...]]:
        """Take an instance's variables from an app. The instance stays.

        Returns:
            The instance, and the names of the variables that are gone.
        """

        def decide(tx: Transaction) -> tuple[Instance, tuple[str, ...]]:
            instance, association = find_attached(tx, name, app)
            return instance, _release(tx, self._registry, association)

        return await self._store.transact(decide)

    async def destroy(self, name: str, app: str | None = None) -> Instance:
        """Record that an instance is to go with all its data; its variables go now."""

        def decide(tx: Transaction) -> Instance:
            entity = find_instance(tx, name, app)
            instance = entity.value
            repeated = instance.phase is Phase.DEPROVISIONING
            after = attrs.evolve(instance, phase=Phase.DEPROVISIONING, message="", retry_at=None)
            if not repeated:
                after = attrs.evolve(after, failures=0)
            stored = tx.put(entity, after).value
            for found in tx.list(Association, {"instance": instance.id}).items:
                _release(tx, self._registry, found.value)
            return stored

        return await self._store.transact(decide)

    async def retry(self, name: str, app: str | None = None) -> Instance:
        """Clear what an instance or its associations wait for, so that the controller tries again."""

        def decide(tx: Transaction) -> Instance:
            entity = find_instance(tx, name, app)
            instance = entity.value
            for found in tx.list(Association, {"instance": instance.id}).items:
                _retry_association(tx, found)
            if instance.phase is Phase.ERROR:
                after = attrs.evolve(instance, phase=Phase.PENDING, attempt=instance.attempt + 1)
            else:
                after = instance
            after = attrs.evolve(after, message="", retry_at=None, failures=0)
            return instance if after == instance else tx.put(entity, after).value

        return await self._store.transact(decide)

    async def promote(self, name: str, app: str) -> tuple[VariableMove, ...]:
        """Give an instance's variables their plain names in an app; who has them now gets a prefix."""

        def decide(tx: Transaction) -> tuple[VariableMove, ...]:
            _instance, association = find_attached(tx, name, app)
            attempted = f"cannot promote {name} in {app}"
            if association.phase is not Phase.ACTIVE:
                raise Busy(attempted, f"it is {association.phase}", "wait until it is active")
            _settled, moved = settle_app(tx, self._registry, app, lambda all_: promote(all_, association.id))
            return moved

        return await self._store.transact(decide)

    async def set_variables(
        self, app: str, values: Mapping[str, str], *, sensitive: bool = False
    ) -> tuple[VariableMove, ...]:
        """Set variables of an app by hand; sets of addons that use these names move out of the way."""
        check_app_name(app)
        for key in values:
            check_variable_key(key)
        new = {key: Variable(key, value, sensitive) for key, value in values.items()}

        def decide(tx: Transaction) -> tuple[VariableMove, ...]:
            _ensure_app(tx, app)
            return self._change_manual(tx, app, lambda old: {**old, **new})

        return await self._store.transact(decide)

    async def unset_variables(self, app: str, keys: Collection[str]) -> tuple[VariableMove, ...]:
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
                    f"cannot unset {missing[0]} of {app}", "it is not set by hand", f"see addonkit env -a {app}"
                )
            moved = self._change_manual(tx, app, lambda old: {k: v for k, v in old.items() if k not in keys})
            forget_empty_app(tx, app)
            return moved

        return await self._store.transact(decide)

    def _change_manual(
        self, tx: Transaction, app: str, change: Callable[[dict[str, Variable]], dict[str, Variable]]
    ) -> tuple[VariableMove, ...]:
        entity = get_app(tx, app, f"cannot change variables of {app}")
        variables = change({variable.key: variable for variable in entity.value.variables})
        tx.put(entity, attrs.evolve(entity.value, variables=tuple(variables.values())))
        return settle_app(tx, self._registry, app)[1]


def get_app(tx: Transaction, name: str, attempted: str) -> Entity[App]:
    """The app.

    Raises:
        UnknownApp: when nothing was ever created or set for it.
    """
    entity = tx.get(App, name)
    if entity is None:
        raise UnknownApp(attempted, f"there is no app {name!r}", "an app is made by its first addon or variable")
    return entity


def find_instance(tx: Transaction, name: str, app: str | None) -> Entity[Instance]:
    """An instance by its name, or by what one app calls it: its alias, or its addon's name.

    Raises:
        UnknownInstance: naming those that exist.
    """
    named = tx.list(Instance, {"name": name}).items
    if app is None:
        if named:
            return named[0]
        raise _unknown(name, tuple(e.value.name for e in tx.list(Instance).items), "")
    mine = associations_of(tx, app)
    # While an instance is destroyed its association goes first: then it is known by what its name was made of.
    named = (*named, *tx.list(Instance, {"name": _plain_name(app, name)}).items)
    wanted = [a.instance for a in mine if a.label == name] or [e.name for e in named if _belongs(e, app, mine)]
    entity = tx.get(Instance, wanted[0]) if wanted else None
    if entity is None:
        raise _unknown(name, _names(tx, mine), f" of app {app}")
    return entity


def find_attached(tx: Transaction, name: str, app: str) -> tuple[Instance, Association]:
    """An instance and its association with an app.

    Raises:
        UnknownInstance: when it does not exist or is not attached to the app.
    """
    entity = find_instance(tx, name, app)
    for association in associations_of(tx, app):
        if association.instance == entity.name and association.phase is not Phase.DEPROVISIONING:
            return entity.value, association
    raise UnknownInstance(f"cannot find {name} of app {app}", "it is not attached to it")


def _belongs(entity: Entity[Instance], app: str, mine: Sequence[Association]) -> bool:
    return entity.value.app == app or any(a.instance == entity.name for a in mine)


def _names(tx: Transaction, associations: Sequence[Association]) -> tuple[str, ...]:
    found = (tx.get(Instance, a.instance) for a in associations)
    return tuple(entity.value.name for entity in found if entity)


def _unknown(name: str, known: Sequence[str], where: str) -> UnknownInstance:
    advice = f"there is {', '.join(sorted(known))}" if known else "there is none yet"
    return UnknownInstance(f"cannot find instance {name!r}{where}", "no instance has this name", advice)


def _create(tx: Transaction, request: Request) -> Created:
    unfinished = _find_unfinished(tx, request)
    if unfinished is not None:
        return unfinished
    new_app = _ensure_app(tx, request.app)
    instance = Instance(
        new_id(),
        _free_name(tx, _plain_name(request.app, request.label)),
        request.addon,
        request.app,
        request.variant,
        request.distribution,
        request.config,
    )
    tx.create(instance.id, instance)
    others = associations_of(tx, request.app)
    return Created(instance, _associate(tx, instance, request.app, request.alias, others), new_app)


def _find_unfinished(tx: Transaction, request: Request) -> Created | None:
    """The same request when it is still being worked on; None when there is nothing of that name."""
    others = associations_of(tx, request.app)
    for association in others:
        if association.label != request.label:
            continue
        entity = tx.get(Instance, association.instance)
        if entity and _same(entity.value, request) and entity.value.phase in _UNFINISHED:
            return Created(entity.value, association, joined=True)
    attempted = f"cannot create {request.addon}:{request.variant} for {request.app}"
    _check_label(tx, attempted, request.label, others)
    return None


def _same(instance: Instance, request: Request) -> bool:
    wanted = (request.addon, request.variant, _asked_for(request.config))
    return (instance.addon, instance.variant, _asked_for(instance.config)) == wanted


def _asked_for(config: Mapping[str, str]) -> dict[str, str]:
    """A config without what a registry added to it."""
    return {key: value for key, value in config.items() if key != CONFIG_DIGEST}


def _check_label(tx: Transaction, attempted: str, label: str, others: Sequence[Association]) -> None:
    for other in others:
        if other.label == label:
            raise AlreadyExists(attempted, *_taken(label, other, tx.get(Instance, other.instance)))


def _taken(label: str, other: Association, there: Entity[Instance] | None) -> tuple[str, str]:
    """What stands in the way of a label, and what to do about it."""
    if there is not None and there.value.phase is Phase.ERROR:
        name = there.value.name
        advice = f"addonkit retry {name} tries again, addonkit destroy {name} removes it"
        return f"the app already has {label}, which failed", advice
    gone = " that is being removed" if other.phase is Phase.DEPROVISIONING else ""
    return f"the app already has {label}{gone}", "use --as NAME to add another one under its own name"


def _ensure_app(tx: Transaction, name: str) -> bool:
    if tx.get(App, name) is not None:
        return False
    tx.create(name, App(name))
    return True


def _associate(tx: Transaction, instance: Instance, app: str, alias: str, others: Sequence[Association]) -> Association:
    order = max((a.order for a in others), default=0) + 1
    association = Association(new_id(), app, instance.id, instance.addon, alias, primary=not alias, order=order)
    return tx.create(association.id, association).value


def _plain_name(app: str, label: str) -> str:
    return f"{app}-{label}"


def _free_name(tx: Transaction, wanted: str) -> str:
    name, number = wanted, 1
    while tx.list(Instance, {"name": name}, limit=1).items:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _release(tx: Transaction, registry: Registry, association: Association) -> tuple[str, ...]:
    """Take the variables of an association away now; revoking its credentials comes after."""
    entity = tx.get(Association, association.id)
    assert entity is not None  # listed a moment ago, in this transaction
    tx.put(entity, attrs.evolve(association, phase=Phase.DEPROVISIONING, message="", variables=()))
    settle_app(tx, registry, association.app)
    return tuple(variable.key for variable in association.variables)


def _retry_association(tx: Transaction, entity: Entity[Association]) -> None:
    association = entity.value
    if association.phase is Phase.ERROR:
        tx.put(entity, attrs.evolve(association, phase=Phase.PENDING, message="", attempt=association.attempt + 1))
    elif association.phase is Phase.DEPROVISIONING and association.message:
        tx.put(entity, attrs.evolve(association, message=""))


def lost_words(instance: Instance, apps: Sequence[str]) -> tuple[str, ...]:
    """What destroying an instance loses for good, a sentence each."""
    sentences = [f"all data of {instance.name} ({instance.addon}:{instance.variant})"]
    others = sorted(set(apps) - {instance.app})
    if others:
        sentences.append(f"the variables it gives to {', '.join(others)}")
    return tuple(sentences)
