"""Makes and revokes tokens of a home that another process serves."""

from __future__ import annotations

from collections.abc import Collection

from addonkit.client.transport import Transport, part
from addonkit.client.values import token_of
from addonkit.errors import NotFound
from addonkit.models.secret import Secret
from addonkit.models.token import Role, Token


class RemoteTokens:
    """Has the names of `Tokens`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(self, name: str, role: Role, apps: Collection[str] = ()) -> tuple[Token, Secret]:
        """See `Tokens.create`."""
        body = {"name": name, "role": str(role), "apps": [*apps]}
        made = await self._transport.ask("POST", "/v1/tokens", body)
        for each in await self.list():
            if each.id == made["id"]:
                return each, Secret(made["text"])
        raise NotFound(f"cannot find token {made['id']}", "it was revoked meanwhile")

    async def list(self) -> tuple[Token, ...]:
        """See `Tokens.list`, oldest first."""
        found = map(token_of, await self._transport.all("/v1/tokens"))
        return tuple(sorted(found, key=lambda each: (str(each.created), each.id)))

    async def revoke(self, id: str) -> None:
        """See `Tokens.revoke`."""
        await self._transport.ask("DELETE", f"/v1/tokens/{part(id)}")
