"""Sessions of the superuser: what they are told, and what becomes of their failures."""

from __future__ import annotations

import pytest

from addonkit import Secret, ServerAddress, TransientError
from addonkit_postgresql.session import Administrator, ServerFault


async def ask(server: Administrator, query: str) -> object:
    async with server.session() as connection:
        return await connection.fetchval(query)


async def test_a_statement_that_fails_is_not_written_to_the_log(server: Administrator) -> None:
    async with server.session() as connection:
        assert await connection.fetchval("SHOW log_min_error_statement") == "panic"


async def test_a_refused_statement_is_one_clear_line(server: Administrator) -> None:
    with pytest.raises(ServerFault, match=r"working on the PostgreSQL server at 127.0.0.1:\d+: .*nowhere.*\(42P01\)"):
        await ask(server, "SELECT * FROM nowhere")


async def test_a_lost_connection_may_pass(server: Administrator) -> None:
    with pytest.raises(TransientError):
        await ask(server, "SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_server_that_is_not_there_may_come_back(server: Administrator, unused_tcp_port: int) -> None:
    nobody = Administrator(ServerAddress(server.address.host, unused_tcp_port), server.password)

    with pytest.raises(TransientError, match="refused|Connect call failed"):
        await ask(nobody, "SELECT 1")


async def test_a_wrong_password_does_not_pass(server: Administrator) -> None:
    wrong = Secret.generate()

    with pytest.raises(ServerFault, match="28P01") as refused:
        await ask(Administrator(server.address, wrong), "SELECT 1")

    assert wrong.reveal() not in str(refused.value)


async def test_variables_of_the_users_shell_have_no_say(server: Administrator, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = {
        "PGHOST": "nowhere.invalid", "PGPORT": "1", "PGUSER": "nobody", "PGPASSWORD": "wrong", "PGDATABASE": "nothing",
        "PGSSLMODE": "verify-full", "PGSSLNEGOTIATION": "direct", "PGTARGETSESSIONATTRS": "read-only",
        "PGSERVICE": "none", "PGSERVICEFILE": "/nowhere", "PGPASSFILE": "/nowhere",
    }  # fmt: skip
    for key, value in hostile.items():
        monkeypatch.setenv(key, value)

    assert await ask(server, "SELECT current_user::text") == "postgres"
