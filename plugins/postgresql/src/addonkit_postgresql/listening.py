"""Lets other machines in, with TLS and SCRAM alone. Pure."""

from __future__ import annotations

import ipaddress
from typing import Final

import attrs

from addonkit import File, Server
from addonkit_postgresql.naming import ADMINISTRATOR

_CERTIFICATE: Final = "{run}/server.crt"
_KEY: Final = "{run}/server.key"
_RULES: Final = "{run}/pg_hba.conf"

_LOOPBACK: Final = """\
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
"""
"""Apps of this machine that were started before can go on as they are."""


@attrs.frozen
class Listening:
    """The needs of a server that listens; nothing for one on loopback alone.

    Attributes:
        settings: of the server.
        files: that it reads.
    """

    settings: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


def listening(server: Server) -> Listening:
    """Return what lets other machines in at the address of a server."""
    certificate = server.certificate
    if certificate is None:
        return Listening()
    settings = (
        f"listen_addresses=127.0.0.1,{server.listen}",
        "ssl=on",
        f"ssl_cert_file={_CERTIFICATE}",
        f"ssl_key_file={_KEY}",
        "ssl_min_protocol_version=TLSv1.2",
        f"hba_file={_RULES}",
    )
    files = (
        File(_CERTIFICATE, certificate.text),
        File(_KEY, certificate.key),
        File(_RULES, _rules(server.listen)),
    )
    return Listening(settings, files)


def _rules(listen: str) -> str:
    """Return who may come from where (PostgreSQL manual, 20.1). The first rule that fits decides.

    The administrator comes through the Unix socket alone. What listens on loopback on purpose asks for TLS there, too.
    """
    return f"""\
local all all scram-sha-256
local replication {ADMINISTRATOR} scram-sha-256
host all {ADMINISTRATOR} all reject
{"" if _is_loopback(listen) else _LOOPBACK}hostssl all all all scram-sha-256
hostnossl all all all reject
"""


def _is_loopback(listen: str) -> bool:
    try:
        return ipaddress.ip_address(listen).is_loopback
    except ValueError:
        return False
