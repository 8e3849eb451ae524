"""Certificates of servers that listen for other machines, and who signs them. No cryptography here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final

from addonkit.models.secret import Secret
from addonkit.util.values import frozen

LIFE: Final = timedelta(days=365)
"""How long a certificate of a server is valid."""

RENEW_BEFORE: Final = timedelta(days=120)
"""How long before its end `addonkit serve` renews one."""

WARN_BEFORE: Final = timedelta(days=30)
"""How long before its end `addonkit doctor` warns of one that nothing has renewed."""


@frozen
class Certificate:
    """The certificate by which clients know a server.

    Attributes:
        text: the certificate, as PEM.
        key: its private key, as PEM.
        names: the addresses and host names that it holds for; apps use the first.
        expires: the end of its validity.
    """

    text: str
    key: Secret
    names: tuple[str, ...]
    expires: datetime

    def words(self, now: datetime) -> str:
        """Return in words how long it is valid, and for what."""
        word = "expired on" if self.expires <= now else "valid until"
        return f"{word} {self.expires:%Y-%m-%d}, for {', '.join(self.names)}"


@frozen
class Authority:
    """Signs the certificates of all servers of a home: clients trust it, and need nothing else.

    Attributes:
        text: its own certificate, as PEM.
        key: its private key, as PEM.
        expires: the end of its validity.
        former: certificates, as PEM, that it had before. Clients trust them until all servers have new ones.
    """

    kind: ClassVar[str] = "authority"
    indexed: ClassVar[tuple[str, ...]] = ()

    text: str
    key: Secret
    expires: datetime
    former: str = ""

    @property
    def bundle(self) -> str:
        """Return all that clients are to trust, as PEM."""
        return self.text + self.former
