"""Import and check one plugin in isolation: whatever it does wrong becomes one line with its name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pluggy
from importlib_metadata import EntryPoint

from addonkit.errors import AddonBroken, ContractViolation
from addonkit.hookspecs import AddonSpecs, ObserverSpecs
from addonkit.models.definition import AddonDefinition
from addonkit.registry.addon import REQUIRED, Addon
from addonkit.registry.discovery import ADDONS, Entry
from addonkit.registry.entry_points import broken
from addonkit.registry.relay import PluginRef, Relay
from addonkit.registry.validation import faults_of
from addonkit.util.foreign_code import foreign_code, one_line

_NEEDS: Final = {
    "addon_bind": "addon_unbind",
    "addon_unbind": "addon_bind",
    "addon_drop_claim": "addon_inspect",
}
"""Optional hooks that make no sense alone: credentials without a way to revoke them, or claims without a list."""


def _hooks(specs: type) -> tuple[str, ...]:
    return tuple(name for name in vars(specs) if name.startswith("addon_"))


ADDON_HOOKS: Final = _hooks(AddonSpecs)
OBSERVER_HOOKS: Final = _hooks(ObserverSpecs)


def import_object(entry: Entry) -> object:
    """Return what an entry point names.

    Raises:
        AddonBroken: when importing it raises anything but KeyboardInterrupt; that is the cause.
    """
    with contained(entry, f"importing {entry.value} failed: "):
        return EntryPoint(entry.name, entry.value, entry.group).load()


@contextmanager
def contained(entry: Entry, attempted: str = "") -> Iterator[None]:
    """Run code of a plugin.

    Raises:
        AddonBroken: when it raises anything but KeyboardInterrupt; that is the cause.
    """
    try:
        with foreign_code():
            yield
    except (AddonBroken, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise broken(entry, f"{attempted}{one_line(error)}") from error


def load_addon(ref: PluginRef, policies: tuple[PluginRef, ...]) -> Addon:
    """Check an addon's hooks, ask for its definition and check that.

    Raises:
        AddonBroken: at the first kind of fault.
    """
    entry = ref.entry
    with contained(entry):
        relay = Relay(policies, entry)
    hooks = check_hooks(ref, relay.manager)
    for name in REQUIRED:
        if name not in hooks:
            raise broken(entry, f"it does not answer {name}{_forgotten(ref.plugin, name)}")
    for name, needed in _NEEDS.items():
        if name in hooks and needed not in hooks:
            raise broken(entry, f"it answers {name} but not {needed}")
    return Addon(relay, _ask_definition(relay), hooks)


def _forgotten(plugin: object, name: str) -> str:
    return "; its function of that name lacks @hookimpl" if name in dir(plugin) else ""


def _ask_definition(relay: Relay) -> AddonDefinition:
    entry = relay.entry
    with contained(entry, "addon_definition failed: "):
        try:
            definition: AddonDefinition = relay.ask(AddonSpecs.addon_definition)
        except ContractViolation as error:
            who = "" if error.addon == entry.name else f"{error.attempted}, "
            raise broken(entry, f"addon_definition failed: {who}{error.found}") from error.__cause__
        faults = faults_of(definition, entry.name)
    if faults:
        raise broken(entry, f"its definition is invalid: {'; '.join(faults)}")
    return definition


def check_hooks(ref: PluginRef, manager: pluggy.PluginManager) -> frozenset[str]:
    """Register a plugin with a manager, which is of no use when that fails; return names of the hooks it answers.

    Raises:
        AddonBroken: for an unknown hook, an argument the hook does not have, or an async function. In an addon for a
            wrapper; in a plugin for anything but a wrapper or an observer.
    """
    entry, plugin = ref.entry, ref.plugin
    with contained(entry):
        if inspect.isclass(plugin):
            raise broken(entry, f"{entry.value} is a class; name a module or an instance")
        manager.register(plugin, entry.key)
        callers = manager.get_hookcallers(plugin) or []
        for each in callers:
            (implementation,) = [found for found in each.get_hookimpls() if found.plugin is plugin]
            fault = _fault(each, implementation, is_addon=entry.group == ADDONS)
            if fault:
                raise broken(entry, fault)
    return frozenset(each.name for each in callers if each.has_spec())


def _fault(caller: pluggy.HookCaller, implementation: pluggy.HookImpl, *, is_addon: bool) -> str:
    name = caller.name
    function = inspect.unwrap(implementation.function)
    if not caller.has_spec():
        return "" if implementation.optionalhook else _unknown(name)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} is async; hooks are plain functions that do no I/O"
    if implementation.hookwrapper:
        return f"{name} is a wrapper of the old style; write @hookimpl(wrapper=True)"
    observes = name in OBSERVER_HOOKS
    if is_addon and (observes or implementation.wrapper):
        what = "is for observers" if observes else "is a wrapper"
        return f"{name} {what}; put it into an entry point of the group addonkit.plugins"
    if not is_addon and observes == implementation.wrapper:
        return f"{name} {'cannot be wrapped' if observes else 'answers for every addon; a policy wraps it'}"
    return ""


def _unknown(name: str) -> str:
    known = (*ADDON_HOOKS, *OBSERVER_HOOKS)
    near = difflib.get_close_matches(name, known, n=1)
    return f"hook {name} is unknown; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"
