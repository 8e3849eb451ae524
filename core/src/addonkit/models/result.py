"""Results of an addon's sagas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from addonkit.models.variable import Variable, check_variable_key
from addonkit.util.values import frozen


def _check_keys(_result: object, _attribute: object, variables: tuple[Variable, ...]) -> None:
    for each in variables:
        if isinstance(each, Variable):
            check_variable_key(each.key)


@frozen
class ProvisionResult:
    """The result of provisioning: variables for apps and attributes for the addon itself.

    Attributes:
        variables: under their plain names (`^[A-Z_][A-Z0-9_]*$`), in the order to show them.
        socket_variables: the same variables for apps that reach the server through its Unix socket; empty for an addon
            that has none, or where its path is too long.
        attributes: JSON values and Secrets, kept (sealed) on the instance and handed back to later
            hooks of the same addon. The seed calls them Attrs.

    Raises:
        InvalidName: a variable has a name that addons may not give.
    """

    variables: tuple[Variable, ...] = attrs.field(default=(), validator=_check_keys)
    attributes: Mapping[str, Any] = attrs.field(factory=dict)
    socket_variables: tuple[Variable, ...] = attrs.field(default=(), validator=_check_keys)


@frozen
class BindResult:
    """The result of binding one association; the same shape, kept on the association."""

    variables: tuple[Variable, ...] = attrs.field(default=(), validator=_check_keys)
    attributes: Mapping[str, Any] = attrs.field(factory=dict)
    socket_variables: tuple[Variable, ...] = attrs.field(default=(), validator=_check_keys)


@frozen
class Sessions:
    """The number of sessions that use the credentials of an association.

    Attributes:
        count: sessions that are open now; None where a service does not tell, as one that knows requests alone.
    """

    count: int | None = None


@frozen
class Extension:
    """Something that a service can do more, once it is added to an instance.

    Attributes:
        name: the word the user types.
        installed: version that the instance has; empty when it has none.
        available: version that the server brings.
        description: one line.
    """

    name: str
    installed: str = ""
    available: str = ""
    description: str = ""


@frozen
class Extensions:
    """The extensions that an instance has, and those that it can have.

    Attributes:
        items: by name.
    """

    items: tuple[Extension, ...] = ()


@frozen
class Inventory:
    """The tenants on a server, by the names they claim. See `Instance.claim`.

    Attributes:
        claims: all of them, also those that no instance has.
        lost: claims of active instances that are not there, or lack a part, as a user without its database.
        changed: claims of active instances that are there, but whose password is not the one that apps receive.
        outdated: claims of active instances with more rights than this release gives; a restart brings them up to date.
        hogs: claims that use up what all tenants share, with what each holds; a restart ends that.
    """

    claims: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    hogs: Mapping[str, str] = attrs.field(factory=dict)


@frozen
class Usage:
    """The content of an instance, which destroying it loses.

    Attributes:
        objects: how many; old versions count.
        bytes: their sizes together.
        complete: False when there is more, and counting was stopped.
    """

    objects: int
    bytes: int
    complete: bool = True
