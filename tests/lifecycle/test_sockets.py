"""Apps get at servers through Unix sockets where they ask for it; no other user can stand in for a server there."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import attrs
import valkey

from addonkit.testing.command import CommandLine


def environment(command: CommandLine, app: str) -> dict[str, str]:
    shown = command("env", "-a", app, "--reveal", "--json").data
    return {each["key"]: each["value"] for each in shown["variables"]}


async def test_apps_reach_servers_by_their_sockets(addonkit_command: CommandLine, home: Path) -> None:
    for spec in ("postgresql:shared", "valkey:shared"):
        assert addonkit_command("create", spec, "-a", "shop", "--socket").status == 0
    assert addonkit_command("attach", "shop-postgresql", "-a", "blog").status == 0
    assert addonkit_command("attach", "shop-valkey", "-a", "blog", "--socket", "--as", "cache").status == 0
    given = environment(addonkit_command, "shop")

    assert given["PGHOST"].startswith(f"{home}/pools/postgresql-")
    for arguments in ({"dsn": given["DATABASE_URL"]}, {"host": given["PGHOST"], **_parts(given)}):
        connection = await asyncpg.connect(**arguments)
        assert await connection.fetchval("SELECT inet_client_addr() IS NULL")
        await connection.close()
    said = addonkit_command("run", "-a", "shop", "--", "psql", "-XAtc", "SELECT inet_client_addr() IS NULL")
    assert said.out == "t\n", said.err
    for url in (given["REDIS_URL"], given["VALKEY_URL"], environment(addonkit_command, "blog")["CACHE_VALKEY_URL"]):
        with valkey.Valkey.from_url(url) as client:
            assert client.connection_pool.connection_class is valkey.UnixDomainSocketConnection
            assert client.ping()
    assert environment(addonkit_command, "blog")["PGHOST"] == "127.0.0.1", "each app as it asked"
    assert addonkit_command("restart", "--all", "--yes").status == 0
    await (await asyncpg.connect(given["DATABASE_URL"])).close()


def test_a_socket_that_no_client_could_use_is_refused_before_anything_is_made(
    addonkit_command: CommandLine, home: Path
) -> None:
    for words in ((), ("--dry-run",)):
        none = addonkit_command("create", "s3-remote", "-a", "shop", "--socket", *words)
        assert "s3-remote has no Unix socket for apps; leave out --socket" in none.err
    long = home / ("h" * 90)
    long.mkdir(mode=0o711)
    refused = attrs.evolve(addonkit_command, home=long)("create", "valkey", "-a", "shop", "--socket")

    assert refused.status == 1
    assert "the path of its Unix socket would have more than 107 bytes" in refused.err
    assert not (long / "pools").exists()


def _parts(given: dict[str, str]) -> dict[str, str]:
    names = {"port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "database": "PGDATABASE"}
    return {name: given[variable] for name, variable in names.items()}
