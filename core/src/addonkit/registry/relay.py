"""Asking one addon: its hooks, wrapped by the policies and by nothing else.

Every addon has a plugin manager of its own, which holds the core's defaults, the policies and that
addon. So no other addon can ever answer, whatever it registers, and one that is refused leaves nothing.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, Final, NoReturn

import attrs
import pluggy

from addonkit.errors import AddonkitError, ContractViolation
from addonkit.hookspecs import PROJECT, AddonSpecs, ObserverSpecs
from addonkit.registry import collisions, defaults
from addonkit.registry.discovery import ADDONS, PLUGINS, Entry
from addonkit.util.foreign_code import foreign_code, one_line
from addonkit.util.text import join_words

CORE: Final = Entry("core", PLUGINS, "addonkit")


@attrs.frozen(eq=False)
class PluginRef:
    """A plugin object and its entry point."""

    entry: Entry
    plugin: object


def new_manager() -> pluggy.PluginManager:
    """Return a plugin manager that knows our hooks and holds nothing yet."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(AddonSpecs)
    manager.add_hookspecs(ObserverSpecs)
    return manager


class Relay:
    """The way to one addon.

    Args:
        policies: plugins around it, checked already.
        entry: of the addon, which is registered with the manager by who checks it.
    """

    def __init__(self, policies: Sequence[PluginRef], entry: Entry) -> None:
        self.entry = entry
        self.manager = new_manager()
        self._entries = {entry.key: entry}
        for module in (collisions, defaults):
            self.manager.register(module, module.__name__)
            self._entries[module.__name__] = CORE
        for each in policies:
            self.add(each)

    def add(self, ref: PluginRef) -> None:
        """Let one more policy stand around the addon."""
        self.manager.register(ref.plugin, ref.entry.key)
        self._entries[ref.entry.key] = ref.entry

    def ask(self, hook: Callable[..., Any], **arguments: Any) -> Any:
        """Return the answer of a hook, named by its specification in AddonSpecs.

        Raises:
            AddonkitError: what the addon or a policy raised on purpose, as it is.
            ContractViolation: when either raises anything else; names it and keeps the cause.
        """
        try:
            with foreign_code():
                return getattr(self.manager.hook, hook.__name__)(**arguments)
        except (AddonkitError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below, with a name
            self.violation(hook, f"it raised {one_line(error)}", self._culprit(hook, error), error)

    def violation(
        self, hook: Callable[..., Any], fault: str, entry: Entry | None = None, cause: BaseException | None = None
    ) -> NoReturn:
        """Raise ContractViolation for an answer of the addon, or of the policy that is to blame."""
        entry = entry or self.entry
        raise ContractViolation(
            f"asking {entry.kind} {entry.name} of {entry.origin} for {hook.__name__}",
            fault,
            self._advice(hook, entry),
            addon=entry.name,
            distribution=entry.distribution,
            version=entry.version,
        ) from cause

    def _advice(self, hook: Callable[..., Any], entry: Entry) -> str:
        """Return where to complain; an answer that went through policies may have been changed by one."""
        wrappers = [each.plugin_name for each in self._impls(hook) if each.wrapper]
        report = f"report it to the authors of {entry.distribution or entry.name}"
        if entry.group != ADDONS or not wrappers:
            return report
        names = join_words(sorted(self._entries[each].name for each in wrappers))
        return f"{report}, unless it comes from a policy around it ({names})"

    def _impls(self, hook: Callable[..., Any]) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook.__name__)
        return caller.get_hookimpls()

    def _culprit(self, hook: Callable[..., Any], error: BaseException) -> Entry | None:
        """Return whose function is innermost in the traceback."""
        codes = {code_of(each): self._entries[each.plugin_name] for each in self._impls(hook)}
        blamed = None
        for frame, _line in traceback.walk_tb(error.__traceback__):
            blamed = codes.get(frame.f_code, blamed)
        return blamed


def code_of(implementation: pluggy.HookImpl) -> CodeType | None:
    """Return the code that runs when a hook is called; None for callables without any of their own."""
    return getattr(inspect.unwrap(implementation.function), "__code__", None)
