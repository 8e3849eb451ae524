"""The trash: what was destroyed and can be brought back."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Final

import attrs

from addonkit.errors import NotFound
from addonkit.models.token import Role
from addonkit.models.trash import TrashedInstance
from addonkit.server.endpoints import LONG, Call, Endpoints, Page, Reply
from addonkit.server.paging import ListQuery, page
from addonkit.server.resources.operations import OperationResource, begin

endpoint: Final = Endpoints()


@attrs.frozen
class TrashedResource:
    """An instance that was destroyed.

    Attributes:
        id: that it had.
        name: that it had.
        addon: name of the addon.
        variant: name of the variant.
        app: that it was created for.
        apps: that it was attached to.
        backup: name of the final backup; `size` is its bytes.
        destroyed: when.
        expires: when nothing can be brought back any more.
    """

    id: str
    name: str
    addon: str
    variant: str
    app: str
    apps: tuple[str, ...]
    backup: str
    size: int
    destroyed: datetime
    expires: datetime


@endpoint("GET", "/v1/trash")
async def list_trash(call: Call, query: ListQuery) -> Page[TrashedResource]:
    """List what can be brought back."""
    found = [each for each in await call.kit.trash.list() if call.principal.reaches(_apps(each))]
    part = page(found, lambda each: each.id, query)
    return Page(tuple(map(_resource, part.items)), part.next)


@endpoint("POST", "/v1/trash/{trashed}/undestroy", Role.OPERATOR, status=LONG)
async def undestroy_instance(call: Call, trashed: str) -> OperationResource | Reply:
    """Bring an instance back: the data, the variables, and the apps that it was attached to."""
    found = await _owned(call, trashed)
    return await begin(call, "undestroy", {"backup": found.backup.name})


@endpoint("DELETE", "/v1/trash/{trashed}", Role.OPERATOR, status=HTTPStatus.NO_CONTENT)
async def delete_trash(call: Call, trashed: str) -> None:
    """Remove what was destroyed for good, with its final backup."""
    found = await _owned(call, trashed)
    await call.kit.trash.delete(found.backup.name)


async def _owned(call: Call, id: str) -> TrashedInstance:
    for each in await call.kit.trash.list():
        if each.id == id and call.principal.reaches(_apps(each)):
            call.principal.require_each(_apps(each), call.attempted)
            return each
    raise NotFound(call.attempted, f"the trash has no {id!r}", "see /v1/trash")


def _apps(found: TrashedInstance) -> list[str]:
    return sorted({found.app, *(each.app for each in found.ties)})


def _resource(found: TrashedInstance) -> TrashedResource:
    return TrashedResource(
        found.id,
        found.name,
        found.addon,
        found.variant,
        found.app,
        tuple(_apps(found)),
        found.backup.name,
        found.backup.size,
        found.destroyed,
        found.expires,
    )
