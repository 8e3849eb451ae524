"""Servers: which instances live on them together."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

import attrs

from addonkit.models.views import ServerTarget
from addonkit.server.endpoints import Call, Endpoints, Page
from addonkit.server.paging import ListQuery, page
from addonkit.server.resources.instances import find
from addonkit.server.schema import Text

endpoint: Final = Endpoints()


@attrs.frozen
class ServersQuery(ListQuery):
    """A selection of servers.

    Attributes:
        limit: items at most.
        cursor: `next` of the part before.
        instance: name of an instance, or of one of the app; empty stands for all.
        app: name of an app; empty stands for all.
    """

    instance: Annotated[str, Text(longest=300)] = ""
    app: Annotated[str, Text(longest=300)] = ""


@attrs.frozen
class ServerTargetResource:
    """A server, and those who lose their connections when it is stopped.

    Attributes:
        server: its id.
        instances: names of all that live on it.
        chosen: names of those that were asked for.
        apps: that receive variables of one of them.
    """

    server: str
    instances: tuple[str, ...]
    chosen: tuple[str, ...]
    apps: tuple[str, ...]


@endpoint("GET", "/v1/servers", refusals=(HTTPStatus.NOT_FOUND,))
async def list_servers(call: Call, query: ServersQuery) -> Page[ServerTargetResource]:
    """List servers whose apps are all within reach: of an instance, of an app, or all."""
    if query.app:
        call.principal.require_app(query.app, call.attempted)
    if query.instance:
        await find(call, query.instance, query.app or None)
    found = await call.kit.servers(query.instance or None, query.app or None)
    part = page([each for each in found if call.principal.reaches_all(each.apps)], _id, query)
    return Page(tuple(map(_resource, part.items)), part.next)


def _resource(target: ServerTarget) -> ServerTargetResource:
    return ServerTargetResource(target.server, target.instances, target.chosen, target.apps)


def _id(target: ServerTarget) -> str:
    return target.server
