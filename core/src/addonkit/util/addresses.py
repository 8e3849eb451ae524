"""Addresses and host names at which a server could listen. What looks host names up is blocking."""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import closing
from typing import Final

_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def listen_fault(text: str) -> str:
    """Return why a server cannot listen at an address, whatever the machine; empty when it may be able to."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if re.fullmatch(r"[0-9.]+", text) or not _HOST.fullmatch(text.lower()):
            return f"{text} is no address and no host name"
        return ""
    if address.is_unspecified:
        return f"{text} is every address, and a certificate needs one that apps can ask for"
    return f"{text} is no address of a machine" if address.is_multicast else ""


def addresses_of(host: str) -> frozenset[str]:
    """Return the addresses that a host name or an address stands for here; none for a name that nothing knows."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(each[4][0]) for each in found)


def address_fault(host: str) -> str:
    """Return why a server of this machine cannot listen at a host name or address; empty when it can."""
    found = addresses_of(host)
    if not found:
        return f"nothing knows the host name {host}"
    foreign = sorted(each for each in found if not _is_ours(each))
    if foreign:
        return f"{foreign[0]} is not an address of this machine"
    if host not in found and all(ipaddress.ip_address(each).is_loopback for each in found):
        return f"{host} stands for {min(found)} here, which other machines cannot reach"
    return ""


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
