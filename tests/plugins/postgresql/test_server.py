"""How the pool of a server looks, and what a real one made from it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest

from addonkit import CONFIG_IMAGE, CONFIG_VERSION, CreateSandboxPoolSpec, Secret, Server, reveal
from addonkit_postgresql.addon import ADDON
from addonkit_postgresql.definition import DEFINITION
from addonkit_postgresql.session import Administrator

PASSWORD = Secret.generate()


def spec_of(variant: str, version: str = "18.6") -> CreateSandboxPoolSpec:
    found = DEFINITION.variant(variant)
    assert found is not None
    config = {**found.config, CONFIG_IMAGE: f"docker.io/library/postgres:{version}", CONFIG_VERSION: version}
    return ADDON.pool(
        Server("postgresql-k3", "postgresql", "key", config=config, attributes={"admin_password": PASSWORD})
    )


def settings_of(words: tuple[str, ...]) -> Mapping[str, str]:
    return dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "-c")


def test_the_pool_is_named_after_its_server_and_found_by_its_labels() -> None:
    spec = spec_of("small")

    assert spec.name == spec.volumes[0].disk == "postgresql-k3"
    assert spec.labels == {"addon": "postgresql", "server": "postgresql-k3"}
    assert [(p.name, p.number) for p in spec.ports] == [("postgresql", 5432)]
    assert spec.image == "docker.io/library/postgres:18.6"
    assert spec.port_wait_timeout == 60


def test_variants_differ_in_size() -> None:
    small, shared = spec_of("small"), spec_of("shared")

    assert (small.volumes[0].size_gb, shared.volumes[0].size_gb) == (1, 10)
    assert settings_of(small.command)["max_connections"] == "103"
    assert settings_of(shared.command)["max_connections"] == "403"
    assert settings_of(small.command)["max_wal_size"] == "256MB", "a small disk is not filled by what is written ahead"


@pytest.mark.parametrize("variant", ["small", "shared"])
def test_a_container_gets_the_settings_that_a_process_gets(variant: str) -> None:
    spec = spec_of(variant)
    assert spec.program is not None

    process = dict(settings_of(spec.program.argv))
    assert process.pop("listen_addresses") == "127.0.0.1"
    assert process.pop("unix_socket_directories") == "{sockets}"
    assert settings_of(spec.command) == process
    assert str(spec.env["PGDATA"]).startswith(spec.mounts[0].path + "/")
    assert not {"fsync", "synchronous_commit", "full_page_writes"} & process.keys()


@pytest.mark.parametrize(
    ("version", "builtin"), [("15.18", False), ("16", False), ("17.2", True), ("18", True), ("v1", False)]
)
def test_the_locale_is_the_servers_own_where_it_has_one(version: str, builtin: bool) -> None:
    program = spec_of("small", version).program
    assert program is not None

    assert ("--locale-provider=builtin" in program.prepare[0]) is builtin
    assert {"--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums"} <= set(program.prepare[0])


def test_the_password_is_in_no_command_line() -> None:
    spec = spec_of("shared")
    assert spec.program is not None

    words = [*spec.command, *spec.program.argv, *(word for line in spec.program.prepare for word in line)]
    assert not any(PASSWORD.reveal() in word for word in words)
    assert spec.env["POSTGRES_PASSWORD"] == PASSWORD
    assert [reveal(file.content) for file in spec.program.prepare_files] == [PASSWORD.reveal() + "\n"]
    assert PASSWORD.reveal() not in repr(spec)


def test_the_probe_is_a_startup_message() -> None:
    program = spec_of("small").program
    assert program is not None
    message = program.probe.send.encode("latin-1")

    assert int.from_bytes(message[:4]) == len(message)
    assert message[4:] == b"\x00\x03\x00\x00user\x00postgres\x00\x00"
    assert program.probe.expect == ("R",)


async def test_a_real_server_keeps_what_it_confirms(server: Administrator) -> None:
    async with server.session() as connection:
        told = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "wal_sync_method")
        }

    assert told.pop("wal_sync_method") in {"fdatasync", "fsync", "open_datasync"}
    assert set(told.values()) == {"on"}


async def test_a_real_server_listens_on_loopback_alone_and_says_whose_it_is(server: Administrator) -> None:
    async with server.session() as connection:
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
        assert await connection.fetchval("SHOW unix_socket_directories") == "../../../pools/postgresql-test/sockets"
        assert await connection.fetchval("SELECT inet_client_addr()") is None, "the administrator uses the socket"
        assert await connection.fetchval("SHOW password_encryption") == "scram-sha-256"
        assert await connection.fetchval("SHOW log_statement") == "none"
        assert await connection.fetchval("SHOW cluster_name") == "postgresql-test"
        rules = await connection.fetch("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert {rule["auth_method"] for rule in rules} == {"scram-sha-256"}
