"""Associations: which app receives the variables of which instance."""

from __future__ import annotations

from typing import Annotated, Final

import attrs

from addonkit.errors import NotFound
from addonkit.models.instance import Association
from addonkit.models.token import Role
from addonkit.models.views import InstanceView
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.paging import ListQuery, page
from addonkit.server.resources.environments import MovesResource, moves_resource
from addonkit.server.resources.instance_documents import AssociationResource, association_resource
from addonkit.server.resources.instances import find
from addonkit.server.resources.operations import OperationResource, begin
from addonkit.server.resources.words import Alias, AppName, InstanceName
from addonkit.server.schema import Text

endpoint: Final = Endpoints()


@attrs.frozen
class CreateAssociation:
    """A request to give an app the variables of an instance that exists.

    Attributes:
        instance: its name.
        app: that receives the variables.
        alias: a name for the set of variables, which then have it as prefix.
        socket: give the app the server's Unix socket in place of its port.
    """

    instance: InstanceName
    app: AppName
    alias: Alias = ""
    socket: bool = False


@attrs.frozen
class AssociationsQuery(ListQuery):
    """Which associations.

    Attributes:
        limit: items at most.
        cursor: `next` of the part before.
        app: name of an app; empty stands for all.
    """

    app: Annotated[str, Text(longest=300)] = ""


@endpoint("GET", "/v1/associations")
async def list_associations(call: Call, query: AssociationsQuery) -> Page[AssociationResource]:
    """List associations by id."""
    part = page([pair for pair in await _all(call) if query.app in {"", pair[0].app}], lambda pair: pair[0].id, query)
    return Page(tuple(association_resource(*pair) for pair in part.items), part.next)


@endpoint("POST", "/v1/associations", Role.OPERATOR, status=LONG)
async def create_association(call: Call, body: CreateAssociation) -> OperationResource | Reply:
    """Attach an instance that exists to an app."""
    view = await find(call, body.instance)
    for app in (view.instance.app, body.app):  # only its owner lets another app in
        call.principal.require_app(app, call.attempted)
    return await begin(call, "attach", attrs.asdict(body))


@endpoint("GET", "/v1/associations/{association}")
async def get_association(call: Call, association: str) -> AssociationResource:
    """Show an association."""
    return association_resource(*await _find(call, association))


@endpoint("DELETE", "/v1/associations/{association}", Role.OPERATOR, status=LONG, current=get_association)
async def destroy_association(call: Call, association: str) -> OperationResource | Reply:
    """Detach an instance from an app: its variables go, the instance stays."""
    found, view = await _find(call, association)
    return await begin(call, "detach", {"instance": view.instance.name, "app": found.app})


@endpoint("POST", "/v1/associations/{association}/promote", Role.OPERATOR)
async def promote_association(call: Call, association: str) -> MovesResource:
    """Give the variables of an instance their plain names in the app."""
    found, view = await _find(call, association)
    return moves_resource(await call.kit.promote(view.instance.name, found.app))


async def _all(call: Call) -> list[tuple[Association, InstanceView]]:
    views = await call.kit.instances()
    return [(each, view) for view in views for each in view.associations if call.principal.reaches([each.app])]


async def _find(call: Call, id: str) -> tuple[Association, InstanceView]:
    for association, view in await _all(call):
        if association.id == id:
            return association, view
    raise NotFound(call.attempted, f"there is no association {id!r}", "see /v1/associations")
