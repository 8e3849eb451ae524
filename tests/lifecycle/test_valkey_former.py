"""Tenants of a shared server that a former release let in get the rights of today."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
import valkey.asyncio
import valkey.exceptions

import addonkit
from addonkit import Tenant
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit_valkey.acl import ADMINISTRATOR
from addonkit_valkey.tenants import UserTenants

FORMER = (
    *[
        "+@all",
        "-@admin",
        "-@dangerous",
        "-scan",
        "-randomkey",
        "-dbsize",
        "-pubsub",
        "-function",
        "-fcall",
        "-fcall_ro",
    ],
    "-script|flush",
)
"""What the first release gave to an app."""

STUCK = ("EVAL", "return 1", "0")
"""A script, which can hold up all apps."""


async def call(url: str, *words: str) -> Any:
    async with valkey.asyncio.Valkey.from_url(url, decode_responses=True, socket_timeout=10) as connection:
        return await connection.execute_command(*words)


async def as_a_former_release_made_it(kit: addonkit.Kit, environ: Mapping[str, str]) -> None:
    instance = (await kit.instances())[0].instance
    server = await kit._pools._framework.servers.get(instance.server)
    user, password = "blog", environ["VALKEY_PASSWORD"]
    address = environ["VALKEY_URL"].rpartition("@")[2]
    url = f"redis://{ADMINISTRATOR}:{server.attributes['admin_password'].reveal()}@{address}"
    digest = hashlib.sha256(password.encode()).hexdigest()
    await call(url, "ACL", "SETUSER", user, "reset", "on", f"#{digest}", "~blog:*", "&blog:*", *FORMER)
    await call(url, "ACL", "SAVE")
    assert await call(former_url(environ), *STUCK) == 1


def former_url(environ: Mapping[str, str]) -> str:
    """How an app logs in that a former release let in: as the tenant."""
    return environ["VALKEY_URL"].replace(environ["VALKEY_USERNAME"], "blog", 1)


async def refused(url: str) -> bool:
    with pytest.raises(valkey.exceptions.NoPermissionError):
        await call(url, *STUCK)
    return True


async def test_rights_of_a_former_release_are_reported_and_brought_up_to_date(kit: addonkit.Kit) -> None:
    blog = (await kit.create("valkey:shared", app="blog")).environ()
    await call(blog["VALKEY_URL"], "SET", "blog:key", "kept")
    url = former_url(blog)
    await as_a_former_release_made_it(kit, blog)
    async with valkey.asyncio.Valkey.from_url(url, decode_responses=True) as connected:
        await connected.ping()

        wiki = (await kit.create("valkey:shared", app="wiki")).environ()

        with pytest.raises(valkey.exceptions.NoPermissionError):
            await connected.eval("return 1", 0)
        assert await connected.get("blog:key") == "kept"
    assert await kit.doctor() == ()

    await as_a_former_release_made_it(kit, blog)
    (finding,) = await kit.doctor()
    assert (finding.kind, finding.subject) == ("outdated-rights", "blog-valkey")
    assert await refused(wiki["VALKEY_URL"])
    await kit.fix([finding])

    assert await kit.doctor() == ()
    assert await refused(url)
    assert await refused(wiki["VALKEY_URL"])
    assert await call(url, "GET", "blog:key") == "kept"
    assert await call(url, "PUBLISH", "blog:news", "x") == 0


async def test_a_login_of_a_former_release_ends_for_good(kit: addonkit.Kit) -> None:
    """Its user stays, since it stands for the tenant; nothing logs in as it any more."""
    blog = (await kit.create("valkey:shared", app="blog")).environ()
    await kit.create("valkey:shared", app="wiki")
    await as_a_former_release_made_it(kit, blog)
    url = former_url(blog)
    instance = (await kit.show("blog-valkey")).instance
    access = await admin_access(kit.framework, instance.server)
    tenant = Tenant(instance.claim, instance.id, instance.config)

    await kit.destroy("wiki-valkey")

    assert await refused(url), "the next change of any tenant gives them the rights of today"
    async with valkey.asyncio.Valkey.from_url(url, single_connection_client=True) as connected:
        await connected.ping()
        await UserTenants().remove_login(access, tenant, tenant.claim)
        with pytest.raises(valkey.exceptions.ConnectionError):
            await connected.ping()
    for target in await kit.servers("blog-valkey"):
        await kit.restart(target)
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(url, "PING")
    assert await call(blog["VALKEY_URL"], "GET", "blog:key") is None
    assert await kit.doctor() == ()
