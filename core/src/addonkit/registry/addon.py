"""One addon, typed: asks its hooks and checks its answers. No other module touches a plugin manager."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.hookspecs import AddonSpecs
from addonkit.models.definition import AddonDefinition
from addonkit.models.facts import Facts
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.result import BindResult, Extensions, Inventory, ProvisionResult, Sessions, Usage
from addonkit.registry.collisions import adjustment_fault
from addonkit.registry.relay import Relay
from addonkit.saga.saga import Saga

if TYPE_CHECKING:
    from addonkit.models.app import App, Variant
    from addonkit.models.instance import Association, Instance, Server
    from addonkit.models.variable import Variable

REQUIRED: Final = ("addon_definition", "addon_provision", "addon_deprovision")
"""Hooks that every addon answers."""


@attrs.frozen(eq=False)
class Addon:
    """An addon that loaded well. Made by the registry.

    Every method raises ContractViolation when the addon, or a policy around it, breaks the contract: an answer that is
    forbidden, or an unexpected error. An AddonkitError that one of them raises on purpose passes through as it is.

    Attributes:
        relay: the way to ask it.
        definition: what it says about itself, checked.
        hooks: names of the hooks it answers.
    """

    relay: Relay
    definition: AddonDefinition
    hooks: frozenset[str]

    @property
    def name(self) -> str:
        """The word the user types."""
        return self.definition.name

    @property
    def distribution(self) -> str:
        """Return who ships it; empty when the program registered it."""
        return self.relay.entry.distribution

    @property
    def version(self) -> str:
        """Version of the distribution; empty without one."""
        return self.relay.entry.version

    @property
    def capabilities(self) -> frozenset[str]:
        """Optional hooks that it answers, without `addon_`: `bind`, `unbind`, `inspect`, ..."""
        return frozenset(hook.removeprefix("addon_") for hook in self.hooks.difference(REQUIRED))

    def provision(self, app: App, variant: Variant, instance: Instance) -> Saga[ProvisionResult]:
        """Return how an instance is made."""
        return self._saga(AddonSpecs.addon_provision, ProvisionResult, app=app, variant=variant, instance=instance)

    def deprovision(self, instance: Instance) -> Saga[None]:
        """Return how an instance and its data are removed."""
        return self._saga(AddonSpecs.addon_deprovision, None, instance=instance)

    def bind(self, association: Association, instance: Instance) -> Saga[BindResult]:
        """Return how one association gets credentials of its own; needs the capability `bind`."""
        return self._saga(AddonSpecs.addon_bind, BindResult, association=association, instance=instance)

    def unbind(self, association: Association, instance: Instance) -> Saga[None]:
        """Return how the credentials of one association are revoked; needs the capability `unbind`."""
        return self._saga(AddonSpecs.addon_unbind, None, association=association, instance=instance)

    def admit_bind(self, association: Association, instance: Instance) -> None:
        """Ask policies whether an app may have an instance; the addon as well when it has the capability `bind`."""
        if "bind" in self.capabilities:
            self.bind(association, instance)
        else:
            self.relay.ask(AddonSpecs.addon_bind, association=association, instance=instance)

    def admit_unbind(self, association: Association, instance: Instance) -> None:
        """Ask the same before an app's tie to an instance ends."""
        if "unbind" in self.capabilities:
            self.unbind(association, instance)
        else:
            self.relay.ask(AddonSpecs.addon_unbind, association=association, instance=instance)

    def configure(self, instance: Instance, config: Mapping[str, str]) -> Saga[None]:
        """Return how other values of options are brought into force; needs the capability `configure`."""
        return self._saga(AddonSpecs.addon_configure, None, instance=instance, config=config)

    def limit_writes(self, instance: Instance, *, denied: bool) -> Saga[None]:
        """Return how apps are kept from writing, or let again; needs the capability `limit_writes`."""
        return self._saga(AddonSpecs.addon_limit_writes, None, instance=instance, denied=denied)

    def extensions(self, instance: Instance) -> Saga[Extensions]:
        """Return how extensions of an instance are listed; needs the capability `extensions`."""
        return self._saga(AddonSpecs.addon_extensions, Extensions, instance=instance)

    def update_extension(self, instance: Instance, extension: str) -> Saga[None]:
        """Return how an extension is updated; needs the capability `update_extension`."""
        return self._saga(AddonSpecs.addon_update_extension, None, instance=instance, extension=extension)

    @property
    def can_rotate(self) -> bool:
        """Return whether credentials of an app can be replaced while the former ones work."""
        return {"bind", "unbind", "sessions"} <= self.capabilities

    def sessions(self, association: Association, instance: Instance) -> Saga[Sessions]:
        """Return how sessions that use credentials of an association are counted; needs the capability `sessions`."""
        return self._saga(AddonSpecs.addon_sessions, Sessions, association=association, instance=instance)

    def usage(self, instance: Instance) -> Saga[Usage]:
        """Return how the size of an instance is asked for; needs the capability `usage`."""
        return self._saga(AddonSpecs.addon_usage, Usage, instance=instance)

    def backup(self, instance: Instance) -> Saga[Fingerprint]:
        """Return how the data of an instance are written into an archive; needs the capability `backup`."""
        return self._saga(AddonSpecs.addon_backup, Fingerprint, instance=instance)

    def restore(self, instance: Instance) -> Saga[None]:
        """Return how an empty instance is filled from an archive; needs the capability `restore`."""
        return self._saga(AddonSpecs.addon_restore, None, instance=instance)

    def fingerprint(self, instance: Instance) -> Saga[Fingerprint]:
        """Return how the fingerprint of an instance is taken; needs the capability `fingerprint`."""
        return self._saga(AddonSpecs.addon_fingerprint, Fingerprint, instance=instance)

    def transform(self, instance: Instance, script: str) -> Saga[None]:
        """Return how a script is run in an instance; needs the capability `transform`."""
        return self._saga(AddonSpecs.addon_transform, None, instance=instance, script=script)

    def copy(self, source: Instance, instance: Instance) -> Saga[bool]:
        """Return how an instance is copied without an archive; needs the capability `copy`."""
        return self._saga(AddonSpecs.addon_copy, bool, source=source, instance=instance)

    def outline(self, instance: Instance) -> Saga[Fingerprint]:
        """Return how the outline of an instance is taken; needs the capability `outline`."""
        return self._saga(AddonSpecs.addon_outline, Fingerprint, instance=instance)

    def facts(self, instance: Instance) -> Saga[Facts]:
        """Return how facts of an instance are asked for; needs the capability `facts`."""
        return self._saga(AddonSpecs.addon_facts, Facts, instance=instance)

    def freeze(self, instance: Instance) -> Saga[None]:
        """Return how apps are kept from writing into an instance; needs the capability `freeze`."""
        return self._saga(AddonSpecs.addon_freeze, None, instance=instance)

    def thaw(self, instance: Instance) -> Saga[None]:
        """Return how apps can write again; needs the capability `thaw`."""
        return self._saga(AddonSpecs.addon_thaw, None, instance=instance)

    def rotate_admin(self, server: Server) -> Saga[None]:
        """Return how the administrator gets another password; needs the capability `rotate_admin`."""
        return self._saga(AddonSpecs.addon_rotate_admin, None, server=server)

    def reset_admin(self, server: Server) -> Saga[None]:
        """Return the saga that gives the administrator the recorded password without a login; needs `reset_admin`."""
        return self._saga(AddonSpecs.addon_reset_admin, None, server=server)

    def renew_certificate(self, server: Server) -> Saga[None]:
        """Return how a server gets another certificate; needs the capability `renew_certificate`."""
        return self._saga(AddonSpecs.addon_renew_certificate, None, server=server)

    def inspect(self, server: Server) -> Saga[Inventory]:
        """Return how what lives on a shared server is listed; needs the capability `inspect`."""
        return self._saga(AddonSpecs.addon_inspect, Inventory, server=server)

    def drop_claim(self, server: Server, claim: str) -> Saga[None]:
        """Return how a claim without an owner is removed from a server; needs the capability `drop_claim`."""
        return self._saga(AddonSpecs.addon_drop_claim, None, server=server, claim=claim)

    def adjust_env_vars(
        self, result: ProvisionResult, association: Association, collisions: Sequence[str]
    ) -> tuple[Variable, ...]:
        """Return the variables under other names; see `collisions.check_adjusted` for what is accepted.

        Args:
            result: the variables under their plain names.
            association: the tie to the app.
            collisions: names that are taken; none of them may be in the answer.
        """
        hook = AddonSpecs.addon_adjust_env_vars
        answer = self.relay.ask(hook, result=result, association=association, collisions=tuple(collisions))
        fault = adjustment_fault(result, answer, collisions)
        if fault:
            self.relay.violation(hook, fault)
        return tuple(answer)

    def _saga(self, hook: Callable[..., Any], result: type | None, **arguments: Any) -> Saga[Any]:
        if hook.__name__ not in self.hooks:
            self.relay.violation(hook, "it has no such capability")
        answer = self.relay.ask(hook, **arguments)
        if not isinstance(answer, Saga):
            self.relay.violation(hook, f"it answered {type(answer).__name__}, not a Saga")
        fault = _result_fault(answer, result)
        if fault:
            self.relay.violation(hook, fault)
        return answer


def _result_fault(saga: Saga[Any], expected: type | None) -> str:
    """Return why the value named `result` of a saga is not what the hook promises; empty when it is."""
    if expected is None:
        return ""
    given = None
    for each in saga.steps:
        given = given or each.output_types().get("result")
    if given is None:
        return f"no step of saga {saga.name} gives a result"
    if isinstance(given, type) and issubclass(given, expected):
        return ""
    return f"the result of saga {saga.name} is {getattr(given, '__name__', given)}, not {expected.__name__}"
