"""Brings back what was destroyed in a home that another process serves."""

from __future__ import annotations

from typing import NoReturn

from addonkit.client.refusals import refuse
from addonkit.client.transport import Transport, part
from addonkit.client.values import trashed_of, view_of
from addonkit.controller.lookup import is_called
from addonkit.errors import InvalidInput, NotFound
from addonkit.models.instance import Instance
from addonkit.models.trash import TrashedInstance


class RemoteTrash:
    """Has the names of `Trash`, as far as the API offers them."""

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport = transport
        self._service = url

    def __getattr__(self, name: str) -> NoReturn:
        refuse(self._service, name, "--dry-run" if name.startswith("plan_") else "undestroy --app")

    async def list(self) -> tuple[TrashedInstance, ...]:
        """See `Trash.list`, oldest first."""
        found = map(trashed_of, await self._transport.all("/v1/trash"))
        return tuple(sorted(found, key=lambda each: each.destroyed))

    async def find(self, name: str, app: str | None = None) -> TrashedInstance:
        """See `Trash.find`; the API does not tell aliases."""
        found = [each for each in await self.list() if is_called(each, name, app)]
        if not found:
            raise NotFound(f"cannot find {name} in the trash", "it is not there", "see `addonkit trash list`")
        return found[-1]

    async def undestroy(self, name: str, app: str | None = None, *, into: str = "") -> Instance:
        """See `Trash.undestroy`; under its own name alone."""
        if into:
            raise InvalidInput(f"cannot bring {name} back as {into}", "a service gives it the name that it had")
        found = await self.find(name, app)
        done = await self._transport.carry_out("POST", f"/v1/trash/{part(found.id)}/undestroy")
        return view_of(await self._transport.ask("GET", f"/v1/instances/{part(done['result']['instance'])}")).instance

    async def delete(self, name: str, app: str | None = None) -> TrashedInstance:
        """See `Trash.delete`."""
        found = await self.find(name, app)
        await self._transport.ask("DELETE", f"/v1/trash/{part(found.id)}")
        return found
