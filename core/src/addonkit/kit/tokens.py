"""Tokens of the API: made, listed, revoked, and recognized."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from addonkit.errors import InvalidName, NotFound
from addonkit.models.identifiers import check_app_name, new_id
from addonkit.models.secret import Secret
from addonkit.models.token import Role, Token

if TYPE_CHECKING:
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock

_PREFIX: Final = "ak"
_LONGEST_NAME: Final = 100


class Tokens:
    """Keeps digests of tokens; their text is known once, when one is made."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, name: str, role: Role, apps: Collection[str] = ()) -> tuple[Token, Secret]:
        """Make a token; its text is not kept anywhere.

        Args:
            name: for people.
            role: what it allows.
            apps: the only apps it reaches; empty stands for all.

        Raises:
            InvalidName: of the token, or of an app.
        """
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            found = f"a name is 1 to {_LONGEST_NAME} printable characters"
            raise InvalidName(f"cannot use token name {name[:40]!r}", found, "choose one like 'deploy'")
        id = new_id()
        text = Secret(f"{_PREFIX}_{id}_{Secret.generate().reveal()}")
        names = tuple(sorted({check_app_name(app) for app in apps}))
        token = Token(id, name, role, _digest(text.reveal()), names, self._clock.now())
        await self._store.transact(lambda tx: tx.create(id, token))
        return token, text

    async def list(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first."""
        found = [entity.value for entity in await self._store.list(Token)]
        return tuple(sorted(found, key=lambda token: (str(token.created), token.id)))

    async def revoke(self, id: str) -> None:
        """Make a token worthless at once.

        Raises:
            NotFound: there is none of that id.
        """
        if not await self._store.transact(lambda tx: tx.delete(Token, id)):
            raise NotFound(f"cannot revoke token {id!r}", "there is none", "see `addonkit token list`")

    async def find(self, id: str) -> Token | None:
        """Return the token of that id; None when there is none or it was revoked."""
        entity = await self._store.get(Token, id)
        return entity.value if entity else None

    async def recognize(self, text: str) -> Token | None:
        """Return the token of that text; None when there is none or it was revoked."""
        prefix, _, rest = text.partition("_")
        id = rest.partition("_")[0]
        if prefix != _PREFIX or not id.isalnum() or not id.isascii():
            return None
        entity = await self._store.get(Token, id)
        if entity is None or not hmac.compare_digest(entity.value.digest, _digest(text)):
            return None
        return entity.value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
