"""Where a service answers; by itself, since all that is shown of a server needs it and no more."""

from __future__ import annotations

from addonkit.util.values import frozen


@frozen
class Address:
    """Where a service answers."""

    host: str
    port: int

    def __str__(self) -> str:
        """The address as in URLs, IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listening(self, listen: str) -> Address:
        """Return where other machines find a server that listens at that address; without one, this on loopback."""
        return Address(listen or self.host, self.port)
