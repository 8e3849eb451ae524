"""Instances, and the ties of apps to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import attrs

from addonkit.errors import UnknownInstance
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Association, Phase, Purpose
from addonkit.models.token import Role
from addonkit.models.views import InstanceView
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.paging import ListQuery, page
from addonkit.server.resources.operations import OperationResource, begin
from addonkit.server.resources.words import AddonSpec, Alias, AppName, InstanceName, OptionName, Version
from addonkit.server.schema import Text

endpoint: Final = Endpoints()


@attrs.frozen
class AssociationResource:
    """The tie of an app to an instance.

    Attributes:
        id: of the association.
        app: name of the app.
        instance: name of the instance.
        alias: the name that the app has for the set of variables; empty without one.
        phase: where it is on its way.
        message: why the phase is `error`.
        variables: names of the variables that the app receives.
    """

    id: str
    app: str
    instance: str
    alias: str
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
        app: name of the app it was created for.
        phase: where it is on its way.
        purpose: `serve`, or why no app has it.
        message: why the phase is `error`, or what it waits for.
        retry_at: when an error is retried by itself.
        expires: when it may be removed, of one that another has taken the place of.
        addon_state: `ok`, or why its addon cannot be asked.
        doing: the step that is being worked on.
        server: where it lives; null without one.
        associations: apps that receive its variables.
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


@attrs.frozen
class CreateInstance:
    """A request for a new instance. The same request again finds what it made.

    Attributes:
        addon: name of the addon, and after a colon the variant.
        app: that receives the variables; it is made when it is new.
        alias: a name for the set of variables, which then have it as prefix.
        version: of the server; empty means the addon's default.
        socket: give the app the server's Unix socket in place of its port.
        options: values of options of the addon, by name.
    """

    addon: AddonSpec
    app: AppName
    alias: Alias = ""
    version: Version = ""
    socket: bool = False
    options: Mapping[OptionName, Annotated[str, Text(longest=1000)]] = attrs.field(factory=dict)


@attrs.frozen
class ReconfigureInstance:
    """A change of what an instance is.

    Attributes:
        variant: that it is to have, with its data and its apps; empty leaves it as it is.
        options: values that are to hold, by name.
    """

    variant: Annotated[str, Text("[A-Za-z0-9._-]*", 100)] = ""
    options: Mapping[OptionName, Annotated[str, Text(longest=1000)]] = attrs.field(factory=dict)


@attrs.frozen
class ChangeInstance:
    """A change of an instance.

    Attributes:
        name: its new name; variables, credentials and data stay.
    """

    name: InstanceName


@attrs.frozen
class InstancesQuery(ListQuery):
    """Which instances.

    Attributes:
        limit: items at most.
        cursor: `next` of the part before.
        app: name of an app; empty stands for all.
    """

    app: Annotated[str, Text(longest=300)] = ""


@attrs.frozen
class InstanceQuery:
    """Which instance is meant.

    Attributes:
        app: name of an app that has another word for the instance: an alias, or the addon's name.
    """

    app: Annotated[str, Text(longest=300)] = ""


@attrs.frozen
class LossesResource:
    """What destroying an instance would do.

    Attributes:
        summary: one sentence.
        vanish: `app: NAME` of variables that would go.
        lost: what would be lost for good.
        stays: what would be left.
    """

    summary: str
    vanish: tuple[str, ...]
    lost: tuple[str, ...]
    stays: tuple[str, ...]


@attrs.frozen
class DestroyQuery:
    """How an instance is destroyed.

    Attributes:
        now: keep nothing: make no final backup for the trash.
    """

    now: bool = False


@endpoint("GET", "/v1/instances")
async def list_instances(call: Call, query: InstancesQuery) -> Page[InstanceResource]:
    """List instances by name."""
    views = await call.kit.instances(query.app or None)
    part = page([each for each in views if reaches(call, each)], lambda each: each.instance.name, query)
    return Page(tuple(map(resource, part.items)), part.next)


@endpoint("POST", "/v1/instances", Role.OPERATOR, status=LONG)
async def create_instance(call: Call, body: CreateInstance) -> OperationResource | Reply:
    """Create an instance of an addon for an app."""
    call.principal.require_app(body.app, call.attempted)
    return await begin(call, "create", attrs.asdict(body))


@endpoint("GET", "/v1/instances/{instance}")
async def get_instance(call: Call, instance: str, query: InstanceQuery) -> InstanceResource:
    """Show an instance."""
    return resource(await find(call, instance, query.app or None))


@endpoint("GET", "/v1/instances/{instance}/losses")
async def get_losses(call: Call, instance: str, query: DestroyQuery) -> LossesResource:
    """Show what destroying an instance would lose; nothing is changed."""
    await find(call, instance)
    plan = await call.kit.plan_destroy(instance, now=query.now)
    return LossesResource(plan.summary, plan.vanish, plan.lost, plan.stays)


@endpoint("PATCH", "/v1/instances/{instance}", Role.OPERATOR, current=get_instance)
async def change_instance(call: Call, instance: str, body: ChangeInstance) -> InstanceResource:
    """Give an instance another name."""
    await owned(call, instance)
    await call.kit.rename(instance, body.name)
    return resource(await find(call, body.name))


@endpoint("DELETE", "/v1/instances/{instance}", Role.OPERATOR, status=LONG, current=get_instance)
async def destroy_instance(call: Call, instance: str, query: DestroyQuery) -> OperationResource | Reply:
    """Remove an instance and all its data, from whatever state it is in. A final backup goes to the trash."""
    await owned(call, instance)
    return await begin(call, "destroy", {"instance": instance, "now": query.now})


@endpoint("POST", "/v1/instances/{instance}/retry", Role.OPERATOR, status=LONG)
async def retry_instance(call: Call, instance: str) -> OperationResource | Reply:
    """Retry what failed, or resume what was interrupted."""
    await owned(call, instance)
    return await begin(call, "retry", {"instance": instance})


@endpoint("POST", "/v1/instances/{instance}/reconfigure", Role.OPERATOR, status=LONG)
async def reconfigure_instance(call: Call, instance: str, body: ReconfigureInstance) -> OperationResource | Reply:
    """Move an instance to another variant, or give it other options."""
    await owned(call, instance)
    return await begin(call, "reconfigure", {"instance": instance, **attrs.asdict(body)})


@endpoint("POST", "/v1/instances/{instance}/restart", Role.OPERATOR, status=LONG)
async def restart_instance(call: Call, instance: str) -> OperationResource | Reply:
    """Restart the server of an instance, for all instances on it."""
    return await _power(call, "restart", instance)


@endpoint("POST", "/v1/instances/{instance}/stop", Role.OPERATOR, status=LONG)
async def stop_instance(call: Call, instance: str) -> OperationResource | Reply:
    """Stop the server of an instance, for all instances on it. It stays stopped until it is started."""
    return await _power(call, "stop", instance)


@endpoint("POST", "/v1/instances/{instance}/start", Role.OPERATOR, status=LONG)
async def start_instance(call: Call, instance: str) -> OperationResource | Reply:
    """Start the server of an instance."""
    return await _power(call, "start", instance)


async def _power(call: Call, verb: str, instance: str) -> Reply:
    await owned(call, instance)
    for target in await call.kit.servers(instance):
        for app in target.apps:
            call.principal.require_app(app, call.attempted)
    return await begin(call, verb, {"instance": instance})


async def find(call: Call, name: str, app: str | None = None) -> InstanceView:
    """Return an instance within reach, by its name, or by what an app calls it.

    Raises:
        UnknownInstance: there is none of that name.
    """
    view = await call.kit.show(name, app)
    if not reaches(call, view):
        raise UnknownInstance(call.attempted, f"there is no instance {name!r}", "see /v1/instances")
    return view


async def owned(call: Call, name: str) -> InstanceView:
    """Return an instance that may be changed: all apps that it concerns are within reach.

    Raises:
        UnknownInstance: there is none of that name.
        Refused: another app uses it as well.
    """
    view = await find(call, name)
    for app in sorted({view.instance.app, *(each.app for each in view.associations)}):
        call.principal.require_app(app, call.attempted)
    return view


def reaches(call: Call, view: InstanceView) -> bool:
    """Whether an instance is within reach."""
    return call.principal.reaches([view.instance.app, *(each.app for each in view.associations)])


def resource(view: InstanceView) -> InstanceResource:
    """Return what is shown of an instance."""
    instance = view.instance
    return InstanceResource(
        instance.id,
        instance.name,
        instance.addon,
        instance.variant,
        instance.config.get(CONFIG_VERSION, ""),
        instance.app,
        instance.phase,
        instance.purpose,
        instance.message,
        instance.retry_at,
        instance.expires,
        view.addon_state,
        view.doing,
        _server(view),
        tuple(association_resource(each, view) for each in view.associations),
    )


def association_resource(association: Association, view: InstanceView) -> AssociationResource:
    """Return what is shown of an association."""
    return AssociationResource(
        association.id,
        association.app,
        view.instance.name,
        association.alias,
        association.phase,
        association.message,
        tuple(variable.key for variable in association.variables),
    )


def _server(view: InstanceView) -> ServerResource | None:
    if view.server is None:
        return None
    host, port = (view.address.host, view.address.port) if view.address else (None, None)
    return ServerResource(view.server.id, view.server.shared, view.server_state, view.newer, host, port, view.tenants)
