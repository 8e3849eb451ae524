"""Environments of apps. Shows secrets on request, to those who may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import attrs

from addonkit.models.token import Role
from addonkit.models.variable import Variable, VariableMove
from addonkit.models.views import BoundService, Environment
from addonkit.server.endpoints import Call, Endpoints
from addonkit.server.resources.apps import check
from addonkit.server.resources.words import VariableName
from addonkit.server.schema import Text

endpoint: Final = Endpoints()


@attrs.frozen
class VariableResource:
    """A variable that an app receives.

    Attributes:
        name: of the variable.
        value: null when it is sensitive and was not asked for.
        sensitive: whether the value holds a secret.
        source: `manual`, or the name of the instance that gives it.
    """

    name: str
    value: str | None
    sensitive: bool
    source: str


@attrs.frozen
class BoundServiceResource:
    """An instance as the app uses it.

    Attributes:
        name: of the instance.
        addon: its name.
        variant: its name.
        alias: the name that the app gave; empty without one.
        variables: under their plain names.
    """

    name: str
    addon: str
    variant: str
    alias: str
    variables: tuple[VariableResource, ...]


@attrs.frozen
class EnvironmentResource:
    """The variables of an app.

    Attributes:
        app: its name.
        variables: by source, those set by hand first.
        pending: names of instances whose variables are not there yet.
        failed: names of instances that failed to give variables, to the reason.
        unset: names that must not reach the app from its surroundings; a trailing `*` stands for any ending.
        services: instances that the app uses, in its order.
    """

    app: str
    variables: tuple[VariableResource, ...]
    pending: tuple[str, ...]
    failed: Mapping[str, str]
    unset: tuple[str, ...]
    services: tuple[BoundServiceResource, ...]


@attrs.frozen
class EnvironmentQuery:
    """A selection of what is shown of an environment.

    Attributes:
        reveal: show values that hold secrets; needs the role operator.
    """

    reveal: bool = False


@attrs.frozen
class ChangeEnvironment:
    """A change of the variables that are set by hand.

    Attributes:
        set: names to values.
        unset: names of variables that go.
        sensitive: whether the values that are set hold secrets.
    """

    set: Mapping[VariableName, Annotated[str, Text(longest=100_000)]] = attrs.field(factory=dict)
    unset: tuple[VariableName, ...] = ()
    sensitive: bool = False


@attrs.frozen
class MoveResource:
    """A variable that has another name from now on.

    Attributes:
        set: the set it belongs to: an alias, or the name of an addon.
        old: its name before.
        new: its name from now on.
        reason: why.
    """

    set: str
    old: str
    new: str
    reason: str


@attrs.frozen
class MovesResource:
    """The effect of a change on variables of addons.

    Attributes:
        moves: variables that have other names.
    """

    moves: tuple[MoveResource, ...]


@endpoint("GET", "/v1/apps/{app}/environment")
async def get_environment(call: Call, app: str, query: EnvironmentQuery) -> EnvironmentResource:
    """Show what an app receives."""
    await check(call, app)
    if query.reveal:
        call.principal.require(Role.OPERATOR, f"cannot show the secrets of {app}")
    return _resource(await call.kit.environment(app), reveal=query.reveal)


@endpoint("PATCH", "/v1/apps/{app}/environment", Role.OPERATOR, current=get_environment)
async def change_environment(call: Call, app: str, body: ChangeEnvironment) -> MovesResource:
    """Set variables of an app by hand, or remove such variables. The first variable makes the app."""
    call.principal.require_app(app, call.attempted)
    moved: list[VariableMove] = []
    if body.unset:
        moved += await call.kit.unset_variables(app, body.unset)
    if body.set:
        moved += await call.kit.set_variables(app, body.set, sensitive=body.sensitive)
    return moves_resource(moved)


def moves_resource(moves: list[VariableMove] | tuple[VariableMove, ...]) -> MovesResource:
    """Return what is shown of variables that have other names."""
    return MovesResource(tuple(MoveResource(each.label, each.old, each.new, each.reason) for each in moves))


def _resource(environment: Environment, *, reveal: bool) -> EnvironmentResource:
    variables = (_variable(each.variable, each.source, reveal=reveal) for each in environment.entries)
    services = (_service(each, reveal=reveal) for each in environment.services or ())
    return EnvironmentResource(
        environment.app,
        tuple(variables),
        environment.pending,
        environment.failed,
        environment.unset,
        tuple(services),
    )


def _service(service: BoundService, *, reveal: bool) -> BoundServiceResource:
    variables = tuple(_variable(each, service.name, reveal=reveal) for each in service.variables)
    return BoundServiceResource(service.name, service.addon, service.variant, service.alias, variables)


def _variable(variable: Variable, source: str, *, reveal: bool) -> VariableResource:
    hidden = variable.sensitive and not reveal
    return VariableResource(variable.key, None if hidden else variable.text, variable.sensitive, source)
