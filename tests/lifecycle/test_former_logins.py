"""A home whose instances have the logins of a former release: one for all apps of a database, made with it."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import attrs
import botocore.exceptions
import pytest

import addonkit
from addonkit import ConnectionInfo, Secret, Tenant
from addonkit.models.instance import Association, Instance
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.logins import LOGIN
from addonkit.store.interface import Transaction
from addonkit_postgresql.scram import verifier
from addonkit_postgresql.session import execute
from addonkit_postgresql.tenants import DatabaseTenants, administrator
from addonkit_postgresql.variables import variables
from addonkit_s3_remote.conformance import of_app


async def as_a_former_release_made_it(kit: addonkit.Kit, name: str) -> None:
    """The owner of the database logs in itself; the one association of the instance has no login of its own."""
    view = await kit.show(name)
    instance, (tie,) = view.instance, view.associations
    access, password = await admin_access(kit.framework, instance.server), Secret.generate()
    tenant = Tenant(instance.claim, instance.id, instance.config)
    await DatabaseTenants().remove_login(access, tenant, tie.attributes[LOGIN])
    async with administrator(access).session() as connection:
        await execute(connection, "ALTER ROLE %I LOGIN PASSWORD %L", instance.claim, verifier(password.reveal()))
    shared = access.server.shared
    found = variables(ConnectionInfo(access.host, access.port, instance.claim, password, shared))

    def write(tx: Transaction) -> None:
        entity, former = tx.get(Instance, instance.id), tx.get(Association, tie.id)
        attributes = {**entity.value.attributes, "password": password}
        tx.put(entity, attrs.evolve(entity.value, attributes=attributes, variables=found))
        tx.put(former, attrs.evolve(former.value, attributes={}, plain=found, variables=found))

    await kit._store.transact(write)


async def rows(url: str, *statements: str) -> int:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        for statement in statements:
            await connection.execute(statement)
        return int(await connection.fetchval("SELECT count(*) FROM things"))
    finally:
        await connection.close(timeout=5)


@pytest.mark.all_day("shared")
@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_a_database_of_a_former_release_goes_through_its_life(kit: addonkit.Kit, variant: str) -> None:
    await kit.create(f"postgresql:{variant}", app="shop")
    await as_a_former_release_made_it(kit, "shop-postgresql")
    former = (await kit.environment("shop")).values
    assert former["PGUSER"] == former["PGDATABASE"]
    assert await rows(former["DATABASE_URL"], "CREATE TABLE things (x int)", "INSERT INTO things VALUES (1)") == 1

    blog = (await kit.attach("shop-postgresql", "blog")).environ()

    assert blog["PGUSER"] != former["PGUSER"]
    assert await rows(blog["DATABASE_URL"], "INSERT INTO things VALUES (2)") == 2
    assert await rows(former["DATABASE_URL"]) == 2
    assert await kit.doctor() == ()

    await kit.rotations.rotate("shop-postgresql", grace=timedelta(0), force=True)

    new = (await kit.environment("shop")).values
    assert new["PGUSER"] not in {former["PGUSER"], blog["PGUSER"]}
    assert await rows(new["DATABASE_URL"], "ALTER TABLE things ADD COLUMN y int") == 2
    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
        await rows(former["DATABASE_URL"])
    await kit.detach("shop-postgresql", "blog")
    assert await rows(new["DATABASE_URL"]) == 2
    assert await kit.doctor() == ()
    await kit.destroy("shop-postgresql")
    assert await kit.doctor() == ()


async def test_one_of_two_apps_of_a_former_login_leaves_it_to_the_other(kit: addonkit.Kit) -> None:
    await kit.create("postgresql:shared", app="shop")
    await as_a_former_release_made_it(kit, "shop-postgresql")
    await kit.attach("shop-postgresql", "blog")
    former = (await kit.environment("shop")).values

    def share(tx: Transaction) -> None:
        ties = {each.value.app: each for each in tx.list(Association).items}
        found = ties["shop"].value.plain
        tx.put(ties["blog"], attrs.evolve(ties["blog"].value, attributes={}, plain=found, variables=found))

    await kit._store.transact(share)
    await rows(former["DATABASE_URL"], "CREATE TABLE things (x int)")

    await kit.detach("shop-postgresql", "blog")

    assert await rows(former["DATABASE_URL"]) == 0
    await kit.rotations.rotate("shop-postgresql", grace=timedelta(0), force=True)
    assert await rows((await kit.environment("shop")).values["DATABASE_URL"]) == 0
    await kit.destroy("shop-postgresql")


@pytest.mark.slow
async def test_a_bucket_of_a_former_release_goes_through_its_life(s3kit: addonkit.Kit) -> None:
    """Its association does not name the user of its key."""
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    (tie,) = (await s3kit.show("shop-s3-remote")).associations

    def write(tx: Transaction) -> None:
        entity = tx.get(Association, tie.id)
        kept = {name: value for name, value in entity.value.attributes.items() if name != "user"}
        assert kept != entity.value.attributes
        tx.put(entity, attrs.evolve(entity.value, attributes=kept))

    await s3kit._store.transact(write)
    place = {"Bucket": shop["S3_BUCKET"], "Key": "key"}
    of_app(shop).put_object(**place, Body=b"kept")
    blog = (await s3kit.attach("shop-s3-remote", "blog")).environ()
    await s3kit.rotations.rotate("shop-s3-remote", "shop", grace=timedelta(0), force=True)
    new = (await s3kit.environment("shop")).values
    for environ in (new, blog):
        assert of_app(environ).get_object(**place)["Body"].read() == b"kept"
    await s3kit.detach("shop-s3-remote", "blog")
    for environ in (shop, blog):
        with pytest.raises(botocore.exceptions.ClientError):
            of_app(environ).get_object(**place)
    await s3kit.destroy("shop-s3-remote")
    assert await s3kit.doctor() == ()
