"""What the superuser's driver says to a stranger who listens where the server should be."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from addonkit import AddonkitError, Secret, ServerAddress
from addonkit_postgresql.session import Administrator, ServerFault

PASSWORD = Secret.generate()


def request(code: int, rest: bytes = b"") -> bytes:
    """An authentication request, see the PostgreSQL manual, section 54.7."""
    return b"R" + struct.pack("!ii", 8 + len(rest), code) + rest


OK = request(0)
READY = b"Z" + struct.pack("!i", 5) + b"I"
SASL = request(10, b"SCRAM-SHA-256\0\0")


@asynccontextmanager
async def stranger(
    *answers: bytes | Callable[[bytes], bytes], pieces: int = 0
) -> AsyncIterator[tuple[ServerAddress, bytearray]]:
    """Listens, keeps what it hears, and gives one answer to each thing that is said."""
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for each in answers:
                said = await reader.read(4096)
                heard.extend(said)
                answer = each if isinstance(each, bytes) else each(said)
                for start in range(0, len(answer), pieces or len(answer)):
                    writer.write(answer[start : start + (pieces or len(answer))])
                    await writer.drain()
                    await asyncio.sleep(0.01 if pieces else 0)
            while data := await reader.read(4096):
                heard.extend(data)
        except OSError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield ServerAddress(*server.sockets[0].getsockname()[:2]), heard


async def visit(address: ServerAddress) -> None:
    async with Administrator(address, PASSWORD).session() as connection:
        await connection.execute("CREATE ROLE app PASSWORD 'verifier'")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([request(3)], "the password in clear instead of SCRAM"),
        ([request(5, b"salt")], "an MD5 digest of the password instead of SCRAM"),
        ([OK + READY], "nothing instead of SCRAM"),
        ([request(7)], "authentication 7 instead of SCRAM"),
        ([request(9)], "authentication 9 instead of SCRAM"),
        ([SASL, request(3)], "the password in clear instead of SCRAM"),
        ([SASL, OK + READY], "nothing instead of SCRAM"),
        ([SASL, request(12, b"v=AAAA")], "authentication 12 instead of SCRAM"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "not PostgreSQL's"),
        ([b"R" + struct.pack("!i", 1 << 30)], "not PostgreSQL's"),
        ([b"R" + struct.pack("!i", 0)], "not PostgreSQL's"),
        ([READY], "not PostgreSQL's"),
    ],
)
@pytest.mark.parametrize("pieces", [0, 1])
async def test_a_stranger_learns_nothing_and_is_believed_nothing(answers: list[bytes], said: str, pieces: int) -> None:
    async with stranger(*answers, pieces=pieces) as (address, heard):
        with pytest.raises(ServerFault, match=f"another process answers there: .*{said}"):
            await asyncio.wait_for(visit(address), 10)
        await asyncio.sleep(0.05)

    assert PASSWORD.reveal().encode() not in heard
    assert b"md5" not in heard
    assert b"verifier" not in heard


async def test_a_stranger_who_speaks_scram_without_the_password_is_believed_nothing() -> None:
    def first(said: bytes) -> bytes:
        return request(11, b"r=%smore,s=c2FsdHNhbHQ=,i=4096" % said.partition(b",r=")[2])

    last = request(12, b"v=" + b"A" * 43 + b"=") + OK + READY
    async with stranger(SASL, first, last) as (address, heard):
        with pytest.raises(AddonkitError, match="signature|nothing instead"):
            await asyncio.wait_for(visit(address), 20)
        await asyncio.sleep(0.05)

    assert b"p=" in heard, "it was answered as SCRAM says"
    assert PASSWORD.reveal().encode() not in heard
    assert b"verifier" not in heard


async def test_the_port_of_a_real_server_is_good_enough_by_itself(server: Administrator) -> None:
    async with Administrator(server.address, server.password).session() as connection:
        assert await connection.fetchval("SELECT inet_client_addr() IS NOT NULL")
