"""Associations: which app receives the variables of which instance."""

from __future__ import annotations

from typing import Annotated, Final

import attrs

from addonkit.errors import NotFound
from addonkit.kit.listing import Tie
from addonkit.models.token import Role
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.paging import ListQuery, page, page_through
from addonkit.server.resources.environments import MovesResource, moves_resource
from addonkit.server.resources.instance_documents import AssociationResource, association_resource
from addonkit.server.resources.instances import find
from addonkit.server.resources.operations import OperationResource, begin
from addonkit.server.resources.words import Alias, AppName, InstanceName, RoleName
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
        role: what the app may do, one that the addon offers; empty stands for the first of them.
    """

    instance: InstanceName
    app: AppName
    alias: Alias = ""
    socket: bool = False
    role: RoleName = ""


@attrs.frozen
class AssociationsQuery(ListQuery):
    """A selection of associations.

    Attributes:
        limit: items at most.
        cursor: `next` of the part before.
        app: name of an app; empty stands for all.
    """

    app: Annotated[str, Text(longest=300)] = ""


@endpoint("GET", "/v1/associations")
async def list_associations(call: Call, query: AssociationsQuery) -> Page[AssociationResource]:
    """List associations by id."""
    apps = [query.app] if query.app else call.principal.apps
    if apps:
        within = [app for app in apps if call.principal.reaches([app])]
        part = page([pair for app in within for pair in await call.kit.listing.associations_of(app)], _id, query)
    else:
        part = await page_through(call.kit.listing.associations, _id, query)
    return Page(tuple(association_resource(*pair) for pair in part.items), part.next)


@endpoint("POST", "/v1/associations", Role.OPERATOR, status=LONG)
async def create_association(call: Call, body: CreateAssociation) -> OperationResource | Reply:
    """Attach an instance that exists to an app."""
    view = await find(call, body.instance)
    call.principal.require_each([view.instance.app], call.attempted)  # only its owner lets another app in
    call.principal.require_app(body.app, call.attempted)
    return await begin(call, "attach", attrs.asdict(body))


@endpoint("GET", "/v1/associations/{association}")
async def get_association(call: Call, association: str) -> AssociationResource:
    """Show an association."""
    return association_resource(*await _find(call, association))


@endpoint("DELETE", "/v1/associations/{association}", Role.OPERATOR, status=LONG, current=get_association)
async def destroy_association(call: Call, association: str) -> OperationResource | Reply:
    """Detach an instance from an app: its variables go, the instance stays."""
    found, instance = await _find(call, association)
    return await begin(call, "detach", {"instance": instance, "app": found.app})


@endpoint("POST", "/v1/associations/{association}/promote", Role.OPERATOR)
async def promote_association(call: Call, association: str) -> MovesResource:
    """Give the variables of an instance their plain names in the app."""
    found, instance = await _find(call, association)
    return moves_resource(await call.kit.promote(instance, found.app))


async def _find(call: Call, id: str) -> Tie:
    found = await call.kit.listing.association(id)
    if found is None or not call.principal.reaches([found[0].app]):
        raise NotFound(call.attempted, f"there is no association {id!r}", "see /v1/associations")
    return found


def _id(pair: Tie) -> str:
    return pair[0].id
