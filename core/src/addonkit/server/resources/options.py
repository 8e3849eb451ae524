"""Options and extensions of instances: what they are, and what a change of them would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import attrs

from addonkit.models.token import Role
from addonkit.models.views import OptionPlan, OptionView
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.resources.instances import find, owned
from addonkit.server.resources.operations import OperationResource, begin
from addonkit.server.resources.words import OptionName
from addonkit.server.schema import Text

endpoint: Final = Endpoints()

ExtensionName = Annotated[str, Text("[A-Za-z0-9][A-Za-z0-9._-]*", 100, 1, "pg_trgm")]


@attrs.frozen
class OptionResource:
    """An option of an instance.

    Attributes:
        name: of the option.
        value: in force, or to be; empty when the server's own is left as it is.
        former: in a plan the value that is in force, elsewhere the default.
        chosen: whether the value was chosen by hand.
        coming: value that is to be in force and is not yet; empty when there is none.
        type: of its values.
        allowed: values that it takes, in words.
        restart: whether its server restarts for a change.
        restart_words: words of a list for which it does, where not for all.
        changeable: whether it can be changed after the create.
        description: one line.
    """

    name: str
    value: str
    former: str
    chosen: bool
    coming: str
    type: str
    allowed: str
    restart: bool
    restart_words: tuple[str, ...]
    changeable: bool
    description: str


@attrs.frozen
class OptionPlanResource:
    """The effect of a change of options.

    Attributes:
        instance: name of the instance.
        server: id of its server; empty without one.
        changes: options whose values change.
        restart: whether its server restarts.
    """

    instance: str
    server: str
    changes: tuple[OptionResource, ...]
    restart: bool


@attrs.frozen
class PlanOptions:
    """A change of options that is thought of.

    Attributes:
        options: values that are to hold, by name.
        reset: names of options that are to have their defaults again.
    """

    options: Mapping[OptionName, Annotated[str, Text(longest=1000)]] = attrs.field(factory=dict)
    reset: tuple[OptionName, ...] = ()


@attrs.frozen
class ExtensionResource:
    """Something that an instance has, or can have, such as vector search in a database.

    Attributes:
        name: of the extension.
        installed: version that the instance has; empty when it has none.
        available: version that the server brings.
        description: one line.
        allowed: whether the operator allows it.
    """

    name: str
    installed: str
    available: str
    description: str
    allowed: bool


@attrs.frozen
class PlanExtensions:
    """A change of extensions that is thought of.

    Attributes:
        add: names of those that the instance is to have.
        remove: names of those that it is not to have.
    """

    add: tuple[ExtensionName, ...] = ()
    remove: tuple[ExtensionName, ...] = ()


@attrs.frozen
class ChangeExtensions:
    """A change of extensions.

    Attributes:
        add: names of those that the instance is to have.
        remove: names of those that it is not to have.
        update: names of those that are to have the version that the server brings.
    """

    add: tuple[ExtensionName, ...] = ()
    remove: tuple[ExtensionName, ...] = ()
    update: tuple[ExtensionName, ...] = ()


@endpoint("GET", "/v1/instances/{instance}/options")
async def list_options(call: Call, instance: str) -> Page[OptionResource]:
    """List the options of an instance, with the values that are in force."""
    await find(call, instance)
    return Page(tuple(map(_option, await call.kit.options.list(instance))), None)


@endpoint("POST", "/v1/instances/{instance}/options/plan", Role.OPERATOR)
async def plan_options(call: Call, instance: str, body: PlanOptions) -> OptionPlanResource:
    """Show what a change of options would do; nothing is changed. `reconfigure` does it."""
    await owned(call, instance)
    return _plan(await call.kit.options.plan(instance, body.options, reset=body.reset))


@endpoint("GET", "/v1/instances/{instance}/extensions", Role.OPERATOR)
async def list_extensions(call: Call, instance: str) -> Page[ExtensionResource]:
    """List the extensions that an instance has and can have. Its server is started."""
    await find(call, instance)
    found = await call.kit.extensions.list(instance)
    return Page(tuple(ExtensionResource(**attrs.asdict(each), allowed=allowed) for each, allowed in found), None)


@endpoint("POST", "/v1/instances/{instance}/extensions/plan", Role.OPERATOR)
async def plan_extensions(call: Call, instance: str, body: PlanExtensions) -> OptionPlanResource:
    """Show what a change of extensions would do; nothing is changed."""
    await owned(call, instance)
    return _plan(await call.kit.extensions.plan(instance, body.add, body.remove))


@endpoint("POST", "/v1/instances/{instance}/extensions", Role.OPERATOR, status=LONG)
async def change_extensions(call: Call, instance: str, body: ChangeExtensions) -> OperationResource | Reply:
    """Add, remove and update extensions of an instance."""
    await owned(call, instance)
    return await begin(call, "change_extensions", {"instance": instance, **attrs.asdict(body)})


def _option(view: OptionView) -> OptionResource:
    known = view.definition
    return OptionResource(
        view.name,
        view.value,
        view.former,
        view.chosen,
        view.coming,
        str(known.type),
        known.limits,
        known.restart,
        known.restart_words,
        known.changeable,
        known.description,
    )


def _plan(plan: OptionPlan) -> OptionPlanResource:
    return OptionPlanResource(plan.instance, plan.server, tuple(map(_option, plan.changes)), plan.restart)
