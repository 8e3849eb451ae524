"""Writes what an app receives as a tree of files, as https://servicebinding.io describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from addonkit.controller.variables import associations_of
from addonkit.models.certificate import Authority
from addonkit.models.instance import Association, Instance, Phase, Server
from addonkit.provider.certificates import NAME as AUTHORITY

if TYPE_CHECKING:
    from addonkit.store.interface import Reader
    from addonkit.util.binding_trees import Tree

PROVIDER: Final = "addonkit"

_OF_TLS: Final = ("sslmode", "sslrootcert")
"""Parameters of URLs that bindings have as entries of their own."""


def binding_tree(tx: Reader, app: str) -> Tree:
    """Return a directory for each instance that an app is attached to, called by the instance's name."""
    active = [each for each in associations_of(tx, app) if each.phase is Phase.ACTIVE]
    found = [(tx.get(Instance, each.instance), each) for each in active]
    return {
        entity.value.name: {**_files(tie), **_certificates(tx, entity.value)}
        for entity, tie in found
        if entity is not None
    }


def _files(tie: Association) -> dict[str, str]:
    values = {variable.key: variable.text for variable in tie.plain}
    return {**values, **well_known(values), "type": tie.addon, "provider": PROVIDER}


def _certificates(tx: Reader, instance: Instance) -> dict[str, str]:
    """Return what an app verifies a server with that listens for other machines: it may run on one of these."""
    server = tx.get(Server, instance.server) if instance.server else None
    authority = tx.get(Authority, AUTHORITY) if server is not None and server.value.certificate else None
    return {"certificates": authority.value.bundle} if authority is not None else {}


def well_known(values: Mapping[str, str]) -> dict[str, str]:
    """Return the entries that the specification names, out of the first variable that is a URL."""
    url = next((text for key, text in values.items() if key.endswith("_URL")), "")
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError:
        return {}
    entries = {
        "uri": url,
        "host": parts.hostname or "",
        "port": port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.strip("/")),
        **{name: text for name, text in parse_qsl(parts.query) if name in _OF_TLS},
    }
    return {name: text for name, text in entries.items() if text}
