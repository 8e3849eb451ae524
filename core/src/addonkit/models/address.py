"""The address of a service. It has a file of its own: views of a server need it, and no more."""

from __future__ import annotations

from addonkit.util.values import frozen


@frozen
class Address:
    """The address of a service."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return the address as in URLs, IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listening(self, listen: str) -> Address:
        """Return where other machines find a server that listens at that address; without one, this on loopback."""
        return Address(listen or self.host, self.port)
