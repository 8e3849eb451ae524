"""Knows the addon under test, from the addon itself, so that nothing can be left out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast

import attrs

from addonkit.models.app import App, Variant
from addonkit.models.definition import AddonDefinition, LocalityMode, is_shared_variant
from addonkit.models.instance import Association, Instance, Server
from addonkit.registry.addon import Addon
from addonkit.registry.discovery import BLOCK_VARIABLE, PLUGINS, InstalledEntries
from addonkit.registry.registry import Registry
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step


@attrs.frozen
class AddonUnderTest:
    """The addon under test.

    Attributes:
        addon: loaded and checked.
    """

    addon: Addon

    @classmethod
    def find(cls, name: str) -> AddonUnderTest:
        """Return the installed addon of that name, asked for anew."""
        return cls(Registry.discover(blocked=plugins_beside(name)).get(name))

    @property
    def definition(self) -> AddonDefinition:
        """Return what it says about itself."""
        return self.addon.definition

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of all variants."""
        return tuple(variant.name for variant in self.definition.variants)

    @property
    def package(self) -> str:
        """The top package of its module."""
        return self.addon.relay.entry.value.partition(":")[0].partition(".")[0]

    def is_shared(self, variant: str) -> bool:
        """Return whether instances of the variant live with others."""
        return is_shared_variant(variant)

    def meets_others(self, variant: str) -> bool:
        """Return whether instances of the variant meet at one service: they share a server, or it runs elsewhere."""
        return self.is_shared(variant) or self.definition.locality is LocalityMode.REMOTE

    def is_persistent(self, variant: str) -> bool:
        """Return whether data must survive the death of the server: the variant has storage."""
        found = self.definition.variant(variant)
        return found is not None and "storage" in found.config

    def creating(self, variant: str) -> tuple[Saga[Any], ...]:
        """Return the sagas that `create` runs, in order."""
        config = self._config(variant)
        app, of = App("kit"), Variant(variant, config)
        bind = (self.addon.bind(_association(self), self._instance(variant)),) if self.can("bind") else ()
        return (self.addon.provision(app, of, self._instance(variant)), *bind)

    def destroying(self, variant: str) -> tuple[Saga[Any], ...]:
        """Return the sagas that `destroy` runs, in order."""
        instance = self._instance(variant)
        unbind = (self.addon.unbind(_association(self), instance),) if self.can("unbind") else ()
        return (*unbind, self.addon.deprovision(instance))

    def others(self) -> tuple[Saga[Any], ...]:
        """Return sagas of further capabilities."""
        instance, server = self._instance(self.variants[0]), Server("kit-server", self.addon.name, "kit")
        asked: dict[str, Callable[[], Saga[Any]]] = {
            "usage": lambda: self.addon.usage(instance),
            "configure": lambda: self.addon.configure(instance, instance.config),
            "limit_writes": lambda: self.addon.limit_writes(instance, denied=True),
            "extensions": lambda: self.addon.extensions(instance),
            "update_extension": lambda: self.addon.update_extension(instance, "kit"),
            "copy": lambda: self.addon.copy(instance, instance),
            "outline": lambda: self.addon.outline(instance),
            "facts": lambda: self.addon.facts(instance),
            "freeze": lambda: self.addon.freeze(instance),
            "thaw": lambda: self.addon.thaw(instance),
            "sessions": lambda: self.addon.sessions(_association(self), instance),
            "rotate_admin": lambda: self.addon.rotate_admin(server),
            "reset_admin": lambda: self.addon.reset_admin(server),
            "renew_certificate": lambda: self.addon.renew_certificate(server),
            "inspect": lambda: self.addon.inspect(server),
            "drop_claim": lambda: self.addon.drop_claim(server, "kit"),
        }
        found = [ask() for capability, ask in asked.items() if self.can(capability)]
        return (*found, *self.moving())

    def moving(self) -> tuple[Saga[Any], ...]:
        """Return the sagas of backups; none when it has no backups."""
        if not all(self.can(each) for each in ("backup", "restore", "fingerprint")):
            return ()
        instance = self._instance(self.variants[0])
        return (self.addon.backup(instance), self.addon.restore(instance), self.addon.fingerprint(instance))

    def can(self, capability: str) -> bool:
        """Return whether the addon answers an optional hook."""
        return capability in self.addon.capabilities

    def sagas(self) -> tuple[Saga[Any], ...]:
        """Return every saga of the addon, with those that steps start; one of several variants comes with each."""
        roots = [*self.others()]
        for variant in self.variants:
            roots += [*self.creating(variant), *self.destroying(variant)]
        return tuple(saga for root in roots for saga in _with_inner(root))

    def _instance(self, variant: str) -> Instance:
        name = self.addon.name
        config = self._config(variant)
        return Instance("kit", f"kit-{name}", name, "kit", variant, config=config, attributes=_Anything())

    def _config(self, variant: str) -> dict[str, str]:
        found = self.definition.variant(variant)
        return dict(found.config) if found else {}


def registry_for(addon: str) -> Registry:
    """Return a registry of what is installed without policies and observers: they judge, and are not judged here.

    All checks of a process have the same one: loading the addon for each of them would take longer than its hooks.
    """
    return _registry(addon, tuple(sys.path), os.environ.get(BLOCK_VARIABLE, ""))


def plugins_beside(addon: str) -> frozenset[str]:
    """Return the names of all installed policies and observers."""
    return _plugins(tuple(sys.path)) - {addon}


@cache
def _registry(addon: str, path: tuple[str, ...], blocked: str) -> Registry:
    del path, blocked  # on which it depends
    return Registry.discover(blocked=plugins_beside(addon))


@cache
def _plugins(path: tuple[str, ...]) -> frozenset[str]:
    del path
    return frozenset(InstalledEntries().names(PLUGINS))


def steps_of(*sagas: Saga[Any], nested: bool) -> Iterator[tuple[Step, bool]]:
    """Yield steps of sagas, those of sagas that they start before them; each with whether it is such a one."""
    for saga in sagas:
        for each in saga.steps:
            if nested:
                for started in each.runs:
                    yield from ((inner, True) for inner in started.steps)
            yield each, False


def _with_inner(saga: Saga[Any]) -> Iterator[Saga[Any]]:
    yield saga
    for each in saga.steps:
        for started in each.runs:
            yield from _with_inner(cast("Saga[Any]", started))


def _association(under_test: AddonUnderTest) -> Association:
    return Association("kit", "kit", "kit", under_test.addon.name, attributes=_Anything())


class _Anything(dict[str, str]):
    """Attributes of an instance that does not exist: hooks are asked for their sagas only."""

    def __missing__(self, key: str) -> str:
        return key

    def get(self, key: str, default: Any = None) -> Any:
        """As if it were there."""
        del default
        return key
