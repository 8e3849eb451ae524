"""Hooks of server addons that answer with one saga, whatever they are asked about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from addonkit.hookspecs import hookimpl
from addonkit.models.instance import Association, Instance, Server
from addonkit.saga.saga import Saga

T = TypeVar("T")


def of_instance(saga: Saga[T]) -> Callable[[Instance], Saga[T]]:
    """Make the hook that answers with a saga about the tenant that an instance is, or was."""

    @hookimpl
    def answer(instance: Instance) -> Saga[T]:
        return about_tenant(saga, instance)

    return answer


def of_association(saga: Saga[T]) -> Callable[[Association, Instance], Saga[T]]:
    """Make the hook that answers with a saga about the tenant of an association; its steps get the association."""

    @hookimpl
    def answer(association: Association, instance: Instance) -> Saga[T]:
        del association
        return about_tenant(saga, instance)

    return answer


def of_server(saga: Saga[T]) -> Callable[[Server], Saga[T]]:
    """Make the hook that answers with a saga about a server."""

    @hookimpl
    def answer(server: Server) -> Saga[T]:
        return saga.bind(server_id=server.id)

    return answer


def about_tenant(saga: Saga[T], instance: Instance, **more: Any) -> Saga[T]:
    """Bind a saga to the tenant that an instance is, or was before it left its server."""
    left = instance.attributes
    server_id, claim = instance.server or left.get("server_id", ""), instance.claim or left.get("claim", "")
    return saga.bind(server_id=server_id, claim=claim, **more)
