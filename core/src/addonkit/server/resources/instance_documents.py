"""Documents of instances, of their servers, and of the ties of apps to them."""

from __future__ import annotations

from datetime import datetime

import attrs

from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Association, Phase, Purpose
from addonkit.models.views import InstanceView
from addonkit.server.access import Principal


@attrs.frozen
class AssociationResource:
    """The tie of an app to an instance.

    Attributes:
        id: of the association.
        app: name of the app.
        instance: name of the instance.
        alias: the name that the app has for the set of variables; empty without one.
        role: what the app may do; empty for the first role that the addon offers.
        phase: where it is on its way.
        message: why the phase is `error`.
        variables: names of the variables that the app receives.
    """

    id: str
    app: str
    instance: str
    alias: str
    role: str
    phase: Phase
    message: str
    variables: tuple[str, ...]


@attrs.frozen
class ServerResource:
    """The server that an instance lives on.

    Attributes:
        id: of the server.
        shared: whether several instances may live on it.
        state: `running`, `starting`, `stopped` or `crashed`.
        newer: version that a restart would run, when it is another one; else empty.
        host: where it listens; null when it does not run here.
        port: where it listens.
        instances: how many instances live on it.
    """

    id: str
    shared: bool
    state: str
    newer: str
    host: str | None
    port: int | None
    instances: int


@attrs.frozen
class InstanceResource:
    """One provisioned addon: a database, a keyspace, a bucket.

    Attributes:
        id: never used again.
        name: unique among instances.
        addon: name of the addon.
        variant: name of the variant.
        version: of its server; empty without one.
        app: name of the app it was created for; empty when that is out of reach.
        phase: where it is on its way.
        purpose: `serve`, or why no app has it.
        message: why the phase is `error`, or what it waits for.
        retry_at: when an error is retried by itself.
        expires: when it may be removed, of one that another has taken the place of.
        addon_state: `ok`, or why its addon cannot be asked.
        doing: the step that is being worked on.
        server: where it lives; null without one.
        associations: apps within reach that receive its variables.
    """

    id: str
    name: str
    addon: str
    variant: str
    version: str
    app: str
    phase: Phase
    purpose: Purpose
    message: str
    retry_at: datetime | None
    expires: datetime | None
    addon_state: str
    doing: str
    server: ServerResource | None
    associations: tuple[AssociationResource, ...]


def resource(view: InstanceView, principal: Principal) -> InstanceResource:
    """Return what is shown of an instance. Names of apps out of reach are left out."""
    instance = view.instance
    within = [each for each in view.associations if principal.reaches([each.app])]
    return InstanceResource(
        instance.id,
        instance.name,
        instance.addon,
        instance.variant,
        instance.config.get(CONFIG_VERSION, ""),
        instance.app if principal.reaches([instance.app]) else "",
        instance.phase,
        instance.purpose,
        instance.message,
        instance.retry_at,
        instance.expires,
        view.addon_state,
        view.doing,
        _server(view),
        tuple(association_resource(each, instance.name) for each in within),
    )


def association_resource(association: Association, instance: str) -> AssociationResource:
    """Return what is shown of an association."""
    return AssociationResource(
        association.id,
        association.app,
        instance,
        association.alias,
        association.role,
        association.phase,
        association.message,
        tuple(variable.key for variable in association.variables),
    )


def _server(view: InstanceView) -> ServerResource | None:
    if view.server is None:
        return None
    host, port = (view.address.host, view.address.port) if view.address else (None, None)
    return ServerResource(view.server.id, view.server.shared, view.server_state, view.newer, host, port, view.tenants)
