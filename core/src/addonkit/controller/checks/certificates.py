"""Checks servers that listen for other machines: their certificates, and whether they are where they should be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from addonkit.models.certificate import WARN_BEFORE
from addonkit.models.compute import Pool
from addonkit.models.instance import Server, ServerPhase
from addonkit.models.views import Finding
from addonkit.provider.listening import listens

if TYPE_CHECKING:
    from datetime import datetime

    from addonkit.compute.interface import Backend
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Store

EXPIRES = "certificate"
UNTRUSTED = "authority-file"
ELSEWHERE = "not-listening"


async def check_certificates(
    store: Store, framework: ProviderFramework, backend: Backend, now: datetime
) -> list[Finding]:
    """Return a finding for each certificate that ends soon, and for each server that other machines cannot reach."""
    found = [] if await framework.certificates.is_written() else [_untrusted(framework.certificates.file)]
    for entity in await store.list(Server, {"phase": ServerPhase.ACTIVE}):
        server = entity.value
        tenants = await framework.servers.tenants(server.id) if server.listen else ()
        names = ", ".join(sorted(each.name for each in tenants))
        if not names:
            continue
        found += _expiring(server, names, now)
        pool = await store.get(Pool, server.id)
        state = await backend.observe(pool.value) if pool else None
        if state is not None and state.ready and not await asyncio.to_thread(listens, server, state):
            problem = f"its server does not listen at {server.listen}; give the machine that address, or run"
            choice = f"`addonkit set {names} listen=ADDRESS` with another one"
            found.append(Finding(ELSEWHERE, names, f"{problem} {choice}", "restart it", key=server.id))
    return found


def _untrusted(file: str) -> Finding:
    problem = "apps verify servers with this file, and it is not as it was written"
    return Finding(UNTRUSTED, file, problem, "write it anew")


def _expiring(server: Server, names: str, now: datetime) -> list[Finding]:
    certificate = server.certificate
    if certificate is None or certificate.expires > now + WARN_BEFORE:
        return []
    word = "expired" if certificate.expires <= now else "expires"
    problem = f"its certificate {word} on {certificate.expires:%Y-%m-%d}; run `addonkit rotate {names}`"
    return [Finding(EXPIRES, names, problem, "renew it", key=server.id)]
