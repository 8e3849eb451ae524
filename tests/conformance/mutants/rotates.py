"""Replaces credentials: a remote addon whose logins have a generation; the broken ones are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import attrs

from addonkit import Association, BindResult, Instance, Saga, Secret, Sessions, hookimpl, step
from mutants import distant
from mutants.distant import manage


def with_generation(place: str, association: Association) -> str:
    return f"{place}+{association.id}{association.generation}"


@step(gives="result", undo=None)
async def count_sessions() -> Sessions:
    """Say that requests have no sessions."""
    return Sessions(None)


def made(
    name: Callable[[str, Association], str] = with_generation,
    *,
    revokes: bool = True,
    roles: Mapping[str, str] | None = None,
) -> SimpleNamespace:
    """The addon with other names of logins, other promises, or former logins that stay."""

    @step(gives="login")
    async def create_login(settings: Mapping[str, Any], association: Association, place: str, password: Secret) -> str:
        """Create a login."""
        await manage(settings, "PUT", name(place, association), password.reveal())
        return name(place, association)

    @create_login.undo
    async def _(settings: Mapping[str, Any], association: Association, place: str) -> None:
        await manage(settings, "DELETE", name(place, association))

    steps = (distant.generate_password, create_login, distant.tell_login)
    binding = Saga[BindResult]("depot.bind", inputs=("place",), steps=steps)
    unbinding = Saga[None]("depot.unbind", inputs=("login",), steps=distant.UNBIND)

    def addon_bind(instance: Instance) -> Saga[BindResult]:
        return binding.bind(place=instance.attributes.get("place", ""))

    def addon_unbind(association: Association, instance: Instance) -> Saga[None]:
        login = association.attributes.get("login") or name(instance.attributes.get("place", ""), association)
        return unbinding.bind(login=login if revokes else "")

    addon = distant.made()
    addon.addon_bind, addon.addon_unbind = hookimpl(addon_bind), hookimpl(addon_unbind)
    addon.addon_sessions = hookimpl(lambda: Saga[Sessions]("depot.sessions", steps=(count_sessions,)))
    definition = attrs.evolve(distant.DEFINITION, roles=roles or {})
    addon.addon_definition = hookimpl(lambda: definition)
    return addon


ADDON = made()
CLIENT = "mutants.distant:Client"
