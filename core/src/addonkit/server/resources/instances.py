"""Instances: made, looked at, changed and destroyed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import attrs

from addonkit.errors import NotFound, UnknownInstance
from addonkit.models.token import Role
from addonkit.models.views import InstanceView
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.paging import ListQuery, page, page_through
from addonkit.server.resources.instance_documents import InstanceResource, resource
from addonkit.server.resources.operations import OperationResource, begin
from addonkit.server.resources.words import AddonSpec, Alias, AppName, InstanceName, OptionName, Version
from addonkit.server.schema import Text

endpoint: Final = Endpoints()


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
        version: that its server is to have, with its data and its apps; empty leaves it as it is.
        options: values that are to hold, by name.
        reset: names of options that are to have their defaults again.
    """

    variant: Annotated[str, Text("[A-Za-z0-9._-]*", 100)] = ""
    version: Version = ""
    options: Mapping[OptionName, Annotated[str, Text(longest=1000)]] = attrs.field(factory=dict)
    reset: tuple[OptionName, ...] = ()


@attrs.frozen
class ChangeInstance:
    """A change of an instance.

    Attributes:
        name: its new name; variables, credentials and data stay.
    """

    name: InstanceName


@attrs.frozen
class InstancesQuery(ListQuery):
    """A selection of instances.

    Attributes:
        limit: items at most.
        cursor: `next` of the part before.
        app: name of an app; empty stands for all.
    """

    app: Annotated[str, Text(longest=300)] = ""


@attrs.frozen
class InstanceQuery:
    """The instance that is meant.

    Attributes:
        app: name of an app that has another word for the instance: an alias, or the addon's name.
    """

    app: Annotated[str, Text(longest=300)] = ""


@attrs.frozen
class LossesResource:
    """The effect of destroying an instance.

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
    """The way in which an instance is destroyed.

    Attributes:
        now: keep nothing: make no final backup for the trash.
    """

    now: bool = False


@endpoint("GET", "/v1/instances")
async def list_instances(call: Call, query: InstancesQuery) -> Page[InstanceResource]:
    """List instances by name."""
    apps = [query.app] if query.app else call.principal.apps
    if apps:
        views = {each.instance.id: each for app in apps for each in await call.kit.instances(app)}
        part = page([each for each in views.values() if reaches(call, each)], _name, query)
    else:
        part = await page_through(call.kit.listing.instances, _name, query)
    return Page(tuple(resource(each, call.principal) for each in part.items), part.next)


@endpoint("POST", "/v1/instances", Role.OPERATOR, status=LONG)
async def create_instance(call: Call, body: CreateInstance) -> OperationResource | Reply:
    """Create an instance of an addon for an app."""
    call.principal.require_app(body.app, call.attempted)
    return await begin(call, "create", attrs.asdict(body))


@endpoint("GET", "/v1/instances/{instance}")
async def get_instance(call: Call, instance: str, query: InstanceQuery) -> InstanceResource:
    """Show an instance."""
    return resource(await find(call, instance, query.app or None), call.principal)


@endpoint("GET", "/v1/instances/{instance}/losses")
async def get_losses(call: Call, instance: str, query: DestroyQuery) -> LossesResource:
    """Show what destroying an instance would lose; nothing is changed."""
    await owned(call, instance)
    plan = await call.kit.plan_destroy(instance, now=query.now)
    return LossesResource(plan.summary, plan.vanish, plan.lost, plan.stays)


@endpoint("PATCH", "/v1/instances/{instance}", Role.OPERATOR, current=get_instance)
async def change_instance(call: Call, instance: str, body: ChangeInstance) -> InstanceResource:
    """Give an instance another name."""
    await owned(call, instance)
    await call.kit.rename(instance, body.name)
    return resource(await find(call, body.name), call.principal)


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
    """Move an instance to another variant or version, or give it other options."""
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
    await check_server(call, instance)
    return await begin(call, verb, {"instance": instance})


async def find(call: Call, name: str, app: str | None = None) -> InstanceView:
    """Return an instance within reach, by its name, or by what an app calls it.

    Raises:
        UnknownInstance: there is none of that name.
    """
    try:
        view = await call.kit.show(name, app)
    except NotFound:
        if not call.principal.apps:
            raise
        view = None  # the advice would name others
    if view is None or not reaches(call, view):
        raise UnknownInstance(call.attempted, f"there is no instance {name!r}", "see /v1/instances")
    return view


async def owned(call: Call, name: str) -> InstanceView:
    """Return an instance that may be changed: all apps that it concerns are within reach.

    Raises:
        UnknownInstance: there is none of that name.
        Refused: another app uses it as well.
    """
    view = await find(call, name)
    call.principal.require_each(apps_of(view), call.attempted)
    return view


async def check_server(call: Call, name: str) -> None:
    """Make sure that all apps that use the server of an instance are within reach.

    Raises:
        Refused: one is not.
        NotFound: the instance has no server here.
    """
    for target in await call.kit.servers(name):
        call.principal.require_each(target.apps, call.attempted)


def _name(view: InstanceView) -> str:
    return view.instance.name


def reaches(call: Call, view: InstanceView) -> bool:
    """Return whether an instance is within reach."""
    return call.principal.reaches(apps_of(view))


def apps_of(view: InstanceView) -> list[str]:
    """Return the apps that an instance concerns: the one it was created for, and those that it is attached to."""
    return [view.instance.app, *(each.app for each in view.associations)]
