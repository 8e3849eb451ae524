"""The registry: every addon by name, each imported when it is first asked for."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from addonkit.errors import AddonBroken, AlreadyExists, NotFound, UnknownAddon, UnknownVariant
from addonkit.models.definition import CONFIG_IMAGE, AddonDefinition, VariantDefinition
from addonkit.models.image_reference import resolve_image
from addonkit.models.spec import AddonSpec
from addonkit.registry.addon import Addon
from addonkit.registry.discovery import (
    ADDONS,
    BACKENDS,
    BLOCK_VARIABLE,
    GROUPS,
    PLUGINS,
    Entry,
    InstalledEntries,
    State,
    blocked_names,
)
from addonkit.registry.entities import entity_of, sync_entities
from addonkit.registry.entry_points import AddonReport, EntryPointTable, check_usable
from addonkit.registry.loader import import_object, load_addon
from addonkit.registry.plugins import Plugins, notify
from addonkit.registry.relay import PluginRef
from addonkit.util.text import join_words

if TYPE_CHECKING:
    from addonkit.models.execution import Event
    from addonkit.store.interface import Store


FIRST_ADDON: Final = "pip install 'addonkit-postgresql[bundled]'"
"""Advice where no addon is installed yet."""


class Registry:
    """Addons, backends and plugins that are installed or registered.

    May be used from several threads: loading is done by one at a time.

    Args:
        entries: entry points beside those that are installed.
        installed: entry points of installed distributions; none by default.
    """

    def __init__(self, entries: Iterable[Entry] = (), installed: InstalledEntries | None = None) -> None:
        tables = {group: EntryPointTable(group, installed) for group in GROUPS}
        for each in entries:
            tables[each.group].add(each)
        self._addons, self._backends = tables[ADDONS], tables[BACKENDS]
        self._plugins = Plugins(tables[PLUGINS])
        self._loaded: dict[tuple[str, str], Addon] = {}
        self._lock = RLock()

    @classmethod
    def discover(cls, path: Sequence[str] | None = None, blocked: Collection[str] = ()) -> Registry:
        """Return a registry of what is installed; imports nothing, and reads metadata when it is first needed.

        Args:
            path: directories to look in; `sys.path` when None.
            blocked: names of entries or distributions that are not to be used, besides those in the
                environment variable `ADDONKIT_BLOCK`.
        """
        names = blocked_names(os.environ.get(BLOCK_VARIABLE, "")) | frozenset(blocked)
        return cls(installed=InstalledEntries(path, names))

    def register(self, plugin: object, name: str) -> None:
        """Add an addon that no distribution brings: for tests, and for programs that embed addonkit.

        Raises:
            AlreadyExists: when an addon of that name is registered or installed, whatever its state.
            AddonBroken: when it is not a valid addon; it is not registered then.
        """
        with self._lock:
            self._check_free(ADDONS, name, self._addons.find(name))
            ref = PluginRef(Entry(name, ADDONS, value=_value(plugin)), plugin)
            self._loaded[name, ""] = load_addon(ref, self._plugins.refs())
            self._addons.add(ref.entry)

    def register_plugin(self, plugin: object, name: str) -> None:
        """Add a policy or observer that no distribution brings; it also stands around addons already loaded.

        Raises:
            AlreadyExists: when a plugin of that name is registered or installed, whatever its state.
            AddonBroken: when it is not a valid plugin; it is not registered then.
        """
        with self._lock:
            self._plugins.refs()
            self._check_free(PLUGINS, name, self._plugins.find(name))
            ref = PluginRef(Entry(name, PLUGINS, value=_value(plugin)), plugin)
            self._plugins.register(ref)
            for each in self._loaded.values():
                each.relay.add(ref)

    @staticmethod
    def _check_free(group: str, name: str, there: Entry | None) -> None:
        if there is not None:
            kind = Entry(name, group).kind
            raise AlreadyExists(f"cannot register {kind} {name}", f"{there.origin} brings one of that name")

    def get(self, name: str, distribution: str = "") -> Addon:
        """Return the addon of that name; imported now if it was not before, and no other addon with it.

        Args:
            name: of the addon.
            distribution: of several that claim the name, this one is used; as instances do, which belong to one.

        Raises:
            UnknownAddon: when none is installed under that name.
            AddonBroken: when it cannot be used: blocked, in conflict, incompatible or broken, with the reason.
        """
        with self._lock:
            entry = self._addons.find(name, distribution)
            if entry is None:
                raise self._unknown(name)
            loaded = self._loaded.get((name, entry.distribution))
            if loaded is not None:
                return loaded
            check_usable(entry)
            return self._load(entry)

    def _load(self, entry: Entry) -> Addon:
        policies = self._plugins.refs()
        try:
            addon = load_addon(PluginRef(entry, import_object(entry)), policies)
        except AddonBroken as error:
            self._addons.fail(entry, error)
            raise
        self._loaded[entry.name, entry.distribution] = addon
        return addon

    def _unknown(self, name: str) -> UnknownAddon:
        names = self._addons.names
        if not names:
            advice = f"install one, for example with: {FIRST_ADDON}"
            return UnknownAddon(f'unknown addon "{name}"', "no addon is installed", advice)
        near = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {near[0]}?" if near else "more addons are installed with pip"
        return UnknownAddon(f'unknown addon "{name}"', f"installed are {join_words(names)}", advice)

    def _healthy(self) -> tuple[Addon, ...]:
        """Return all addons that can be used, by name; loads them."""
        with self._lock:
            found = []
            for entry in self._addons.entries:
                if entry.state is not State.OK:
                    continue
                with suppress(AddonBroken):
                    found.append(self._loaded.get((entry.name, entry.distribution)) or self._load(entry))
            return tuple(found)

    def list_addons(self) -> tuple[AddonDefinition, ...]:
        """Return definitions of all addons that can be used, by name; loads them. Others are in `report`."""
        return tuple(each.definition for each in self._healthy())

    def report(self) -> tuple[AddonReport, ...]:
        """Return what became of every entry point, by group and name; loads addons and plugins."""
        addons = self._healthy()
        with self._lock:
            reports = self._addons.reports({each.name: each.hooks for each in addons})
            return (*reports, *self._backends.reports({}), *self._plugins.reports())

    def check_plugins(self) -> None:
        """Make sure that every policy has its say: one that does not load lets nothing pass.

        What a plugin would do is not known before it loads, so a broken observer counts as well. One that
        the operator blocked does not.

        Raises:
            AddonBroken: for the first that cannot be used.
        """
        with self._lock:
            self._plugins.check()

    def resolve_addon_and_variant(self, spec: str) -> tuple[str, str]:
        """Return addon and variant that a spec `name[:variant]` means; without a variant, the default one.

        Raises:
            UnknownAddon: when the addon is not installed, or the name is empty.
            UnknownVariant: when the addon has no such variant; anything after the first colon is its name.
            InvalidReference: when there are blanks around the spec.
            AddonBroken: when the addon cannot be used.
        """
        if not spec.partition(":")[0]:
            raise self._unknown("")
        parsed = AddonSpec.parse(spec)
        definition = self.get(parsed.addon).definition
        wanted = definition.default_variant if parsed.variant is None else parsed.variant
        return parsed.addon, _variant(definition, wanted).name

    def get_variant_config(self, addon: str, variant: str, version: str = "") -> dict[str, str]:
        """Return a new copy of a variant's config, with the image of a version under `CONFIG_IMAGE`.

        The key is left out when the addon has no base image. `version` empty means the default one.

        Raises:
            UnknownAddon: when the addon is not installed.
            UnknownVariant: when the addon has no such variant.
            InvalidReference: when the version makes no image reference.
            AddonBroken: when the addon cannot be used.
        """
        definition = self.get(addon).definition
        options = definition.options_of(variant)
        defaults = {each.name: each.default for each in options.offered if each.default}
        config = defaults | dict(_variant(definition, variant).config)
        if definition.base_image:
            config[CONFIG_IMAGE] = resolve_image(definition.base_image, definition.default_version, version)
        return config

    def load_backend(self, name: str) -> Any:
        """Return what the entry point of a backend names; imported now.

        Raises:
            NotFound: when no backend has that name.
            AddonBroken: when it cannot be used, with the reason.
        """
        with self._lock:
            entry = self._backends.find(name)
            if entry is None:
                names = join_words(self._backends.names or ("none",))
                raise NotFound(f'unknown backend "{name}"', f"installed: {names}")
            check_usable(entry)
            try:
                return import_object(entry)
            except AddonBroken as error:
                self._backends.fail(entry, error)
                raise

    async def ensure_entities(self, store: Store) -> None:
        """Store an AddonEntity for each addon that can be used; loads them all, so no command does it by itself.

        Entities of addons that are no longer installed are removed, unless an instance of theirs
        exists. Those of addons that are installed and cannot be used stay as they are.
        """
        wanted = [entity_of(each) for each in self._healthy()]
        installed = self._addons.names
        await store.transact(lambda transaction: sync_entities(transaction, wanted, installed))

    def emit(self, event: Event) -> None:
        """Tell every observer; one that raises is named in the log and changes nothing."""
        with self._lock:
            observers = self._plugins.observers()
        notify(observers, event)


def _value(plugin: object) -> str:
    """Return what stands for the import path of something that was registered."""
    return str(getattr(plugin, "__name__", type(plugin).__qualname__))


def _variant(definition: AddonDefinition, name: str) -> VariantDefinition:
    found = definition.variant(name)
    if found is None:
        names = join_words(each.name for each in definition.variants)
        raise UnknownVariant(f'unknown variant "{name}" for addon "{definition.name}"', f"it has {names}")
    return found
