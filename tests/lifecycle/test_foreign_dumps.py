"""Dumps of other versions and in all formats come in, and a tool that lies is noticed whatever way data take."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import addonkit
from addonkit import AddonkitError, SagaFailed, Server, admin_password
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.testing.home import temporary_home
from addonkit_postgresql import foreign
from addonkit_postgresql.arrival import compare_with_dump
from addonkit_postgresql.tenants import administrator
from system_postgresql import VERSION

FILL = """
    CREATE TABLE orders (id serial PRIMARY KEY, text text);
    INSERT INTO orders (text) SELECT repeat('x', 50) FROM generate_series(1, 3000);
    CREATE TABLE "Bücher 'x (%" (n int); INSERT INTO "Bücher 'x (%" SELECT generate_series(1, 7);
    CREATE VIEW many AS SELECT * FROM orders WHERE id > 10;
    CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$
    BEGIN
      -- Name: nothing; Type: TABLE; Schema: public; Owner: x
      RETURN n * 2;
    END; $$;
    CREATE TABLE parts (n int) PARTITION BY RANGE (n);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100); INSERT INTO parts SELECT generate_series(1, 9);
    SELECT lo_from_bytea(0, decode(repeat('0102', 5000), 'hex'));
"""


async def query(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for each in statements[:-1]:
            await connection.execute(each)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def url_of(kit: addonkit.Kit, app: str) -> str:
    return (await kit.environment(app)).values["DATABASE_URL"]


async def run(kit: addonkit.Kit, app: str, *argv: str) -> None:
    """Run a program of the version that the app's server has."""
    tools = (await kit.environment(app)).programs
    environ = {**os.environ, "PATH": os.pathsep.join((*tools, os.environ["PATH"]))}
    await asyncio.to_thread(subprocess.run, argv, check=True, env=environ)


async def check(kit: addonkit.Kit, app: str) -> None:
    url = await url_of(kit, app)
    assert await query(url, "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM many)") == 5990
    assert await query(url, "SELECT twice(4)") == 8
    assert await query(url, "SELECT count(*) FROM parts") == 9
    assert await query(url, "SELECT nextval('orders_id_seq')") == 3001
    assert await query(url, "SELECT count(*) FROM pg_largeobject_metadata") == 1


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the wheel with 17 is for this machine only")
async def test_dumps_in_all_formats_come_in_from_older_versions(
    kit: addonkit.Kit, tmp_path: Path, scratch_place: Path
) -> None:
    for version in (VERSION, "17", "18"):
        await kit.create("postgresql:small", f"v{version}", version=version)
        await query(await url_of(kit, f"v{version}"), FILL, "SELECT 1")
    for version, options in ((VERSION, "cdtp"), ("17", "d"), ("18", "tp")):
        for letter in options:
            option, name = f"-F{letter}", f"format-{letter}"
            app, path = f"from{version}-{name}", tmp_path / f"{version}.{name}"
            url = await url_of(kit, f"v{version}")
            await run(kit, f"v{version}", "pg_dump", option, "-f", str(path), url)
            await kit.create("postgresql:shared", app)
            await kit.moves.import_(f"{app}-postgresql", str(path))
            await check(kit, app)
    await kit.create("postgresql:shared", "url")
    await kit.moves.import_("url-postgresql", await url_of(kit, "v17"))
    await check(kit, "url")
    assert [*scratch_place.iterdir()] == []


OF_THE_OPERATOR = """
    ALTER TABLE orders SET TABLESPACE fast; CREATE ROLE stranger; CREATE TABLE kept (n int); INSERT INTO kept VALUES (1);
    ALTER TABLE kept OWNER TO stranger;
    CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)
"""
"""What an operator does in the database of an app, as the superuser."""


@pytest.mark.slow
async def test_what_a_server_alone_has_stays_there(
    kit: addonkit.Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roles, tablespaces, rights and subscriptions of the origin are none of the server that data come to."""
    origin = await kit.create("postgresql:shared", "origin")
    await query(origin.url, FILL, "SELECT 1")
    (server,) = [each.value for each in await kit._store.list(Server)]
    access = await admin_access(kit.framework, server.id)
    async with administrator(access).session("origin") as superuser:
        await superuser.execute("SET search_path = public; SET allow_in_place_tablespaces = on")
        await superuser.execute("CREATE TABLESPACE fast LOCATION ''")
        await superuser.execute(OF_THE_OPERATOR)
    rows: list[int] = []

    async def compared(*values: Any) -> None:
        rows.append(values[-1].rows["public.orders"])
        await compare_with_dump(*values)

    monkeypatch.setattr(foreign, "compare_with_dump", compared)
    sources = {"exported": str(tmp_path / "x.tar.zst.age")}
    await kit.moves.export("origin-postgresql", sources["exported"])
    await query(origin.url, "GRANT SELECT ON orders TO stranger", "SELECT 1")
    url = f"postgresql://postgres:{admin_password(server).reveal()}@127.0.0.1:{access.port}/origin"
    for letter in "cdtp":
        sources[letter] = str(tmp_path / letter)
        await run(kit, "origin", "pg_dump", f"-F{letter}", "-f", sources[letter], url)
    await kit.create("postgresql:small", "from_url")
    await kit.moves.import_("from_url-postgresql", url)
    await check(kit, "from_url")
    await kit.destroy("origin-postgresql", now=True)

    for name, source in sources.items():
        await kit.create("postgresql:shared", name)
        await kit.moves.import_(f"{name}-postgresql", source)
        await check(kit, name)
        assert await query(await url_of(kit, name), "SELECT n FROM kept") == 1
    assert rows == 5 * [3000], "what the dump holds is compared"


VIEW = b"""
    CREATE TABLE public.t (n int);
COPY public.t (n) FROM stdin;
1
\\.
    DROP TABLE public.t; CREATE FUNCTION public.attack() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE VIEW public.t AS SELECT public.attack() AS n;
"""
"""Whoever counts the rows of this table calls a function of the file."""


@pytest.mark.slow
async def test_what_is_no_dump_says_so_in_a_line(kit: addonkit.Kit, tmp_path: Path, scratch_place: Path) -> None:
    shop = await kit.create("postgresql:shared", "shop")
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for name, content, told in (
        ("dump.gz", b"\x1f\x8b\x08\x00", "the file is compressed by gzip; run `gzip -d` on it first"),
        ("dump.zst", b"\x28\xb5\x2f\xfd\x00", "compressed by zstd"),
        ("dump.bin", b"\x7fELF\0", "neither a dump of pg_dump nor plain SQL"),
        ("cut.dump", b"PGDMP\x01\x10\x00", "."),
        ("open.sql", b"SELECT 'never closed", "ends in the middle of a quoted text"),
        ("view.sql", VIEW, "access to non-system view"),
        ("copy.sql", b"CREATE TABLE t (n int);\nCOPY public.t (n) FROM stdin;\n1\n", "ends in the middle of the rows"),
        ("folder/a.dat", b"", "the folder has no toc.dat"),
        ("folder/sub/b.dat", b"", "the folder is no dump: it has sub/b.dat"),
    ):
        (tmp_path / name).write_bytes(content)
        source = folder if name.startswith("folder") else tmp_path / name
        with pytest.raises(SagaFailed, match=told):
            await kit.moves.import_("shop-postgresql", str(source))
    assert [*scratch_place.iterdir()] == []
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(SagaFailed, match="link is a link to a folder"):
        await kit.moves.import_("shop-postgresql", str(folder))
    (tmp_path / "last.sql").write_text("CREATE TABLE t (n int);\nINSERT INTO t VALUES (1)")  # no semicolon
    await kit.moves.import_("shop-postgresql", str(tmp_path / "last.sql"))
    assert await query(await url_of(kit, "shop"), "SELECT n FROM t") == 1
    assert await query(shop.url, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'addonkit%'") == 0


LIE = """\
#!/bin/sh
case "$*" in *--version*) exec {real}/{name} "$@";; esac
if test ! -e {switch}; then exec {real}/{name} "$@"; fi
{real}/{name} "$@"
for word in "$@"; do case "$word" in --dbname=*) database=${{word#--dbname=}};; esac; done
test -z "$database" || {real}/psql -qX -d "$database" -c "$(cat {switch})" >/dev/null 2>&1
exit 0
"""


@pytest.fixture
def lying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs of which pg_restore and psql do something else at their end while the file is there; status 0."""
    real = Path(f"/usr/lib/postgresql/{VERSION}/bin")
    shims, switch = tmp_path / "shims", tmp_path / "switch"
    shims.mkdir()
    for program in real.iterdir():
        (shims / program.name).symlink_to(program)
    for name in ("pg_restore", "psql"):
        (shims / name).unlink()
        (shims / name).write_text(LIE.format(real=real, name=name, switch=switch))
        (shims / name).chmod(0o755)
    for directory in (tmp_path, *tmp_path.parents[:3]):
        if directory.stat().st_uid == os.geteuid():
            directory.chmod(0o755)
    monkeypatch.setenv("ADDONKIT_PROGRAMS", str(shims))
    monkeypatch.setenv("ADDONKIT_BACKUPS", str(tmp_path / "backups"))
    return switch


LOST: Mapping[str, str] = {
    "DROP TABLE orders CASCADE": "orders",
    "DELETE FROM orders WHERE id = 7": r"orders: 2,999 rows instead of 3,000",
    "DROP FUNCTION twice": "functions|function public.twice",
    "ALTER SEQUENCE orders_id_seq RESTART WITH 5": "sequence public.orders_id_seq",
    "SELECT lo_unlink(oid) FROM pg_largeobject_metadata": "large objects",
    "DROP VIEW many": "relations|view public.many",
}


@pytest.fixture
async def lied_to(lying: Path) -> AsyncIterator[addonkit.Kit]:
    with temporary_home() as home:
        async with addonkit.open(home) as kit:
            yield kit


@pytest.mark.slow
async def test_a_tool_that_ends_with_0_after_an_error_is_caught_whatever_way_data_come(
    lied_to: addonkit.Kit, lying: Path, tmp_path: Path
) -> None:
    kit = lied_to
    await kit.create("postgresql:shared", "shop", version=VERSION)
    await query(await url_of(kit, "shop"), FILL, "SELECT 1")
    url = await url_of(kit, "shop")
    exported, dump, folder, sql = (str(tmp_path / n) for n in ("x.tar.zst.age", "x.dump", "x.folder", "x.sql"))
    await kit.moves.export("shop-postgresql", exported)
    for option, path in (("-Fc", dump), ("-Fd", folder), ("-Fp", sql)):
        await run(kit, "shop", "pg_dump", option, "-f", path, url)
    good = await kit.backups.create("shop-postgresql")
    await kit.create("postgresql:shared", "empty", version=VERSION)
    before = {each.instance.name for each in await kit.instances()}

    connection = await asyncpg.connect(url)  # no copy within the server
    for lost, told in LOST.items():
        lying.write_text(lost)
        ways = {
            "verify": lambda: kit.backups.verify(good.name),
            "restore": lambda: kit.backups.restore("shop-postgresql"),
            "import of an export": lambda: kit.moves.import_("empty-postgresql", exported),
            "import of a dump": lambda: kit.moves.import_("empty-postgresql", dump),
            "import of a folder": lambda: kit.moves.import_("empty-postgresql", folder),
            "import of SQL": lambda: kit.moves.import_("empty-postgresql", sql),
            "import of a server": lambda: kit.moves.import_("empty-postgresql", url),
            "clone": lambda: kit.moves.clone("shop-postgresql", "copy"),
            "change": lambda: kit.changes.change("shop-postgresql", "small"),
        }
        chosen = ways if lost.startswith("DELETE") else {n: w for n, w in ways.items() if n.startswith("import of")}
        for name, way in chosen.items():
            with pytest.raises(AddonkitError, match=told):
                await way()
            assert {each.instance.name for each in await kit.instances()} == before, name
    await connection.close()

    lying.unlink()
    assert {each.instance.name for each in await kit.instances()} == before
    await check(kit, "shop")
    assert await query(await url_of(kit, "empty"), "SELECT count(*) FROM pg_class WHERE relname = 'orders'") == 0
    await kit.moves.import_("empty-postgresql", folder)
    await check(kit, "empty")
