"""The catalog: addons as service offerings, variants as plans, under ids that never change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.models.definition import AddonDefinition, VariantDefinition
from addonkit.registry.addon import Addon
from addonkit.server.broker.maintenance import maintenance
from addonkit.server.broker.wire import bad

if TYPE_CHECKING:
    from addonkit.registry.registry import Registry

_NAMESPACE: Final = uuid.UUID("5c1a0c3e-6f0d-5d0e-9a54-0c8f0e6b7f17")
"""Of ids. It must never change: platforms keep them."""

_RETRIEVABLE: Final = 14
_PLAN_UPDATES: Final = 16
_ROTATION: Final = 17
"""Minor versions from which on fields are known."""

_MOVING: Final = frozenset({"backup", "restore", "fingerprint"})
"""Capabilities of addons whose data can move to another plan."""

_LONGEST: Final = 255


@attrs.frozen
class Offered:
    """A plan of the catalog.

    Attributes:
        addon: that is offered; `definition` is its own.
        variant: that is the plan.
    """

    addon: Addon
    variant: VariantDefinition

    @property
    def definition(self) -> AddonDefinition:
        """Return what the addon says of itself."""
        return self.addon.definition

    @property
    def service_id(self) -> str:
        """Id of the offering."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.addon.distribution}/{self.definition.name}"))

    @property
    def plan_id(self) -> str:
        """Id of the plan."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.addon.distribution}/{self.definition.name}/{self.variant.name}"))

    @property
    def spec(self) -> str:
        """As `create` takes it."""
        return f"{self.definition.name}:{self.variant.name}"

    @property
    def rotatable(self) -> bool:
        """Return whether each binding has credentials of its own."""
        return "bind" in self.addon.capabilities

    @property
    def version(self) -> str:
        """Version of the servers of new instances; empty when the addon has none."""
        return self.definition.default_version

    @property
    def is_movable(self) -> bool:
        """Return whether the data of an instance can move to another plan that has this too."""
        return not self.variant.is_cache and self.addon.capabilities >= _MOVING


def offered(registry: Registry) -> tuple[Offered, ...]:
    """Return all plans of all addons that can be used."""
    addons = [registry.get(definition.name) for definition in registry.list_addons()]
    return tuple(Offered(addon, variant) for addon in addons for variant in addon.definition.variants)


def find(registry: Registry, service_id: str, plan_id: str) -> Offered:
    """Return a plan.

    Raises:
        BrokerError: the catalog has no such plan.
    """
    for each in offered(registry):
        if (each.service_id, each.plan_id) == (service_id, plan_id):
            return each
    raise bad("the catalog has no plan with this service_id and plan_id")


def catalog(plans: Iterable[Offered], minor: int) -> dict[str, Any]:
    """Return the catalog as a platform of that minor version takes it."""
    services: dict[str, dict[str, Any]] = {}
    for each in plans:
        service = services.setdefault(each.service_id, _service(each, minor))
        service["plans"].append(_plan(each, minor))
    return {"services": [*services.values()]}


def _service(each: Offered, minor: int) -> dict[str, Any]:
    definition = each.definition
    known = {"instances_retrievable": True, "bindings_retrievable": True} if minor >= _RETRIEVABLE else {}
    return {
        "name": definition.name,
        "id": each.service_id,
        "description": _cut(definition.description or definition.display_name or definition.name),
        "tags": [definition.name],
        "bindable": True,
        "plan_updateable": sum(Offered(each.addon, variant).is_movable for variant in definition.variants) > 1,
        "metadata": {"displayName": _cut(definition.display_name or definition.name)},
        **known,
        "plans": [],
    }


def _plan(each: Offered, minor: int) -> dict[str, Any]:
    options = each.definition.options_of(each.variant.name)
    changeable = attrs.evolve(options, definitions=tuple(one for one in options.definitions if one.changeable))
    rotation = {"binding_rotatable": each.rotatable} if minor >= _ROTATION else {}
    moves = {"plan_updateable": each.is_movable} if minor >= _PLAN_UPDATES else {}
    details = [f"{name}: {text}" for name, text in each.variant.details.items()]
    return {
        "id": each.plan_id,
        "name": each.variant.name,
        "description": _cut(each.variant.description or each.variant.name),
        "free": True,
        "metadata": {"bullets": [_cut(text) for text in details]},
        "schemas": {
            "service_instance": {"create": _parameters(options.schema()), "update": _parameters(changeable.schema())},
            "service_binding": {"create": _parameters({"type": "object", "additionalProperties": False})},
        },
        **maintenance(each.version, minor),
        **moves,
        **rotation,
    }


def _parameters(schema: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": {**schema, "$schema": "http://json-schema.org/draft-07/schema#"}}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
