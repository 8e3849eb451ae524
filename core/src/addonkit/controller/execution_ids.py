"""Ids of executions, made from what they serve and from the number of the attempt. Pure."""

from __future__ import annotations

from typing import Final

import attrs

from addonkit.models.execution import ONCE
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association, Instance, Server

_ADMIN_ROTATION: Final = "rotate-admin/"

BACKUPS: Final = "backups/"
"""Ids of executions that back up and restore begin with it; those of their children have further parts."""


def provision_id(instance: Instance) -> str:
    """Return id of the execution that provisions the instance, in its present attempt."""
    return f"provision/{instance.id}/{instance.attempt}"


def deprovision_id(instance: Instance) -> str:
    """Return id of the execution that deprovisions the instance, in its present attempt."""
    return f"deprovision/{instance.id}/{instance.teardown}"


def bind_id(association: Association) -> str:
    """Return id of the execution that binds the association, in its present attempt."""
    return f"bind/{association.id}/{association.attempt}"


def rotation_id(association: Association, generation: int) -> str:
    """Return id of the execution that makes the credentials of that generation."""
    return f"bind/{association.id}/generation-{generation}"


def rotation_ids(association: Association) -> tuple[str, ...]:
    """Return ids of all executions that made further credentials for the association."""
    return tuple(rotation_id(association, number) for number in range(2, association.generations + 1))


def revocation_id(association: Association, generation: int) -> str:
    """Return id of the execution that revokes former credentials, in the present attempt."""
    return f"unbind/{association.id}/generation-{generation}/{association.teardown}"


def unbind_id(association: Association) -> str:
    """Return id of the execution that unbinds the association, in its present attempt."""
    return f"unbind/{association.id}/{association.teardown}"


def admin_rotation_id(server: Server) -> str:
    """Return id of the execution that gives the administrator of a server its next password."""
    return f"{_ADMIN_ROTATION}{server.id}/{server.admin_number + 1}"


def is_admin_rotation(id: str) -> bool:
    """Return whether an id was made by `admin_rotation_id`."""
    return id.startswith(_ADMIN_ROTATION)


def configure_id(instance: Instance) -> str:
    """Return id of the execution that brings a change of options into force."""
    return f"configure/{instance.id}/{instance.change.id if instance.change else ''}"


def provision_ids(instance: Instance) -> tuple[str, ...]:
    """Return ids of all attempts to provision the instance, the present one last."""
    return tuple(provision_id(attrs.evolve(instance, attempt=n + 1)) for n in range(instance.attempt))


def bind_ids(association: Association) -> tuple[str, ...]:
    """Return ids of all attempts to bind the association, the present one last."""
    return tuple(bind_id(attrs.evolve(association, attempt=n + 1)) for n in range(association.attempt))


def once_id(what: str, of: str) -> str:
    """Return id of an execution that is not asked for again: a question, or an act of an operator.

    Args:
        what: is done, in one word.
        of: id of whom it concerns.
    """
    return f"{ONCE}{what}/{of}/{new_id()}"


def is_once(id: str) -> bool:
    """Return whether an id was made by `once_id`."""
    return id.startswith(ONCE)
