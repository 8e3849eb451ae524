"""Tokens: who may ask through the network, and for what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from addonkit.util.values import frozen


class Role(StrEnum):
    """The rights of a token. Each role allows what the ones after it allow.

    `admin` allows everything, tokens included. `operator` changes apps and instances and sees secrets.
    `reader` looks, and sees no secret.
    """

    ADMIN = "admin"
    OPERATOR = "operator"
    READER = "reader"

    def allows(self, needed: Role) -> bool:
        """Return whether this role may do what needs that one."""
        order = list(Role)
        return order.index(self) <= order.index(needed)


@frozen
class Token:
    """A key to the API, without its secret half.

    Attributes:
        id: public half; part of the token's text.
        name: for people.
        role: see Role.
        digest: SHA-256 of the token's text, in hex.
        apps: the only apps it reaches; empty stands for all.
        created: when.
    """

    kind: ClassVar[str] = "token"
    indexed: ClassVar[tuple[str, ...]] = ()

    id: str
    name: str
    role: Role
    digest: str
    apps: tuple[str, ...] = ()
    created: datetime | None = None
