"""Asking one addon: its hooks, wrapped by the policies and by nothing else.

Every addon has a plugin manager of its own, which holds the core's defaults, the policies and that
addon. So no other addon can ever answer, whatever it registers, and one that is refused leaves nothing.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Sequence
from types import CodeType
from typing import Any, Final, NoReturn

import attrs
import pluggy

from addonkit.errors import AddonkitError, ContractViolation
from addonkit.hookspecs import PROJECT, AddonSpecs, ObserverSpecs
from addonkit.registry import collisions
from addonkit.registry.discovery import ADDONS, PLUGINS, Found, each_of, one_line

CORE: Final = Found("core", PLUGINS, "addonkit")


@attrs.frozen(eq=False)
class Member:
    """A plugin object and where it comes from."""

    found: Found
    plugin: object

    @property
    def key(self) -> str:
        """The name it is registered under; addons and plugins do not share theirs."""
        return f"{self.found.kind}:{self.found.name}"


def new_manager() -> pluggy.PluginManager:
    """A plugin manager that knows our hooks and holds nothing yet."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(AddonSpecs)
    manager.add_hookspecs(ObserverSpecs)
    return manager


class Relay:
    """The way to one addon.

    Args:
        policies: plugins around it, checked already.
        addon: the addon, checked already.
    """

    def __init__(self, policies: Sequence[Member], addon: Member) -> None:
        self.found = addon.found
        self._manager = new_manager()
        self._manager.register(collisions, CORE.name)
        self._members = {CORE.name: CORE}
        for each in (*policies, addon):
            self.add(each)

    def add(self, member: Member) -> None:
        """Let one more policy stand around the addon."""
        self._manager.register(member.plugin, member.key)
        self._members[member.key] = member.found

    def ask(self, hook: str, **arguments: Any) -> Any:
        """The answer of a hook.

        Raises:
            AddonkitError: what the addon or a policy raised on purpose, as it is.
            ContractViolation: when either raises anything else; names it and keeps the cause.
        """
        try:
            return getattr(self._manager.hook, hook)(**arguments)
        except AddonkitError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - raised again below, with a name
            self.violation(hook, f"it raised {one_line(error)}", self._culprit(hook, error), error)

    def violation(
        self, hook: str, fault: str, found: Found | None = None, cause: BaseException | None = None
    ) -> NoReturn:
        """Raise ContractViolation for an answer of the addon, or of the policy that is to blame."""
        found = found or self.found
        raise ContractViolation(
            f"asking {found.kind} {found.name} of {found.origin} for {hook}",
            fault,
            self._advice(hook, found),
            addon=found.name,
            distribution=found.distribution,
            version=found.version,
        ) from cause

    def _advice(self, hook: str, found: Found) -> str:
        """Where to complain; an answer that went through policies may have been changed by one."""
        wrappers = [each.plugin_name for each in self._impls(hook) if each.wrapper]
        report = f"report it to the authors of {found.distribution or found.name}"
        if found.group != ADDONS or not wrappers:
            return report
        names = each_of(sorted(self._members[each].name for each in wrappers))
        return f"{report}, unless it comes from a policy around it ({names})"

    def _impls(self, hook: str) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return caller.get_hookimpls()

    def _culprit(self, hook: str, error: BaseException) -> Found | None:
        """Whose function is innermost in the traceback."""
        codes = {code_of(each): self._members[each.plugin_name] for each in self._impls(hook)}
        blamed = None
        for frame, _line in traceback.walk_tb(error.__traceback__):
            blamed = codes.get(frame.f_code, blamed)
        return blamed


def code_of(implementation: pluggy.HookImpl) -> CodeType | None:
    """The code that runs when a hook is called; None for callables without any of their own."""
    return getattr(inspect.unwrap(implementation.function), "__code__", None)
