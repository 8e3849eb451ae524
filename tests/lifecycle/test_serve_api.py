"""The API of the real `addonkit serve`: killed in the middle, begun by systemd's sockets, behind TLS, as a broker."""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import valkey
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from addonkit.testing.command import CommandLine

LIMIT = 60.0


@contextmanager
def serving(
    addonkit: CommandLine, *words: str, line: str = "answering on"
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service, and the address that it says last."""
    process = addonkit.start("serve", *words)
    try:
        assert process.stdout is not None
        said = ""
        while line not in said:
            said = process.stdout.readline()
            assert said, process.communicate()
        yield process, said.split()[-1]
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)


class UnixConnection(http.client.HTTPConnection):
    """HTTP through a Unix socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(self.host)


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


def at_home(home: Path) -> http.client.HTTPConnection:
    return UnixConnection(str(home / "api.sock"))


def ended(home: Path, operation: str) -> dict[str, Any]:
    deadline = monotonic() + LIMIT
    while monotonic() < deadline:
        found = ask(at_home(home), "GET", f"/v1/operations/{operation}")[1]
        if found["state"] != "running":
            return dict(found)
        sleep(0.05)
    raise AssertionError("it does not end")


def certificate(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    return str(folder / "cert.pem"), str(folder / "key.pem")


def works(bound: dict[str, Any]) -> bool:
    """Whether the credentials of a binding let its app in."""
    with valkey.Valkey.from_url(bound["credentials"]["uri"]) as client:
        try:
            return bool(client.ping())
        except valkey.AuthenticationError:
            return False


def test_an_operation_outlives_the_process_that_began_it(addonkit_command: CommandLine, home: Path) -> None:
    asked = {"addon": "valkey", "app": "shop"}
    with serving(addonkit_command) as (first, _):
        status, begun = ask(at_home(home), "POST", "/v1/instances", asked, Idempotency_Key="k")
        assert (status, begun["state"]) == (202, "running")
        first.kill()
        first.wait(LIMIT)
    with serving(addonkit_command) as (second, _):
        again = ask(at_home(home), "POST", "/v1/instances", asked, Idempotency_Key="k")[1]
        assert again["id"] == begun["id"]
        assert ended(home, begun["id"])["result"] == {"instance": "shop-valkey"}
        with serving(addonkit_command, line="serving"):
            second.send_signal(signal.SIGTERM)
            assert second.wait(LIMIT) == 0
            deadline = monotonic() + LIMIT
            while not (home / "api.sock").exists() and monotonic() < deadline:
                sleep(0.05)
            assert ask(at_home(home), "GET", "/v1/health") == (200, {"status": "ok"})
    assert addonkit_command("list", "--json").data["instances"][0]["phase"] == "active"


@pytest.mark.slow
def test_tls_a_token_and_a_platform(addonkit_command: CommandLine, home: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    token = addonkit_command("token", "create", "platform", "--role", "operator").out.strip()
    with serving(addonkit_command, "--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key, line="https://") as (
        process,
        address,
    ):
        port = int(address.rpartition(":")[2])
        trusting = ssl.create_default_context(cafile=cert)

        def platform(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            basic = base64.b64encode(f"platform:{token}".encode()).decode()
            https = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=LIMIT)
            return ask(
                https, method, f"/broker/v2{path}", body, X_Broker_API_Version="2.17", Authorization=f"Basic {basic}"
            )

        def done(path: str) -> None:
            deadline = monotonic() + LIMIT
            while platform("GET", f"{path}/last_operation")[1]["state"] == "in progress" and monotonic() < deadline:
                sleep(0.1)
            assert platform("GET", f"{path}/last_operation")[1] == {"state": "succeeded"}

        former = ssl.get_server_certificate(("localhost", port))
        certificate(tmp_path)
        process.send_signal(signal.SIGHUP)
        deadline = monotonic() + LIMIT
        while ssl.get_server_certificate(("localhost", port)) == former and monotonic() < deadline:
            sleep(0.05)
        trusting = ssl.create_default_context(cafile=cert)
        service = next(each for each in platform("GET", "/catalog")[1]["services"] if each["name"] == "valkey")
        plan = next(each for each in service["plans"] if each["name"] == "small")
        ids = {"service_id": service["id"], "plan_id": plan["id"]}
        options = plan["schemas"]["service_instance"]["create"]["parameters"]["properties"]
        assert "maxmemory-policy" in options, options
        place = {"organization_guid": "o", "space_guid": "s"}
        path = "/service_instances/i"
        body = {**ids, **place, "parameters": {"maxmemory-policy": "allkeys-lru"}}
        assert platform("PUT", f"{path}?accepts_incomplete=true", body)[0] == 202
        done(path)
        changed = {**ids, "parameters": {"maxmemory-policy": "allkeys-lfu"}}
        assert platform("PATCH", f"{path}?accepts_incomplete=true", changed)[0] == 202
        done(path)
        assert platform("GET", path)[1]["parameters"] == changed["parameters"]

        status, first = platform("PUT", f"{path}/service_bindings/one", ids)
        assert (status, first["credentials"]["port"]) == (201, int(first["endpoints"][0]["ports"][0]))
        status, second = platform("PUT", f"{path}/service_bindings/two", {**ids, "predecessor_binding_id": "one"})
        assert (status, plan["binding_rotatable"]) == (201, True)
        assert (works(first), works(second)) == (True, True), "the former one works until it is unbound"
        query = f"service_id={ids['service_id']}&plan_id={ids['plan_id']}"
        assert platform("DELETE", f"{path}/service_bindings/one?{query}")[0] == 200
        assert (works(first), works(second)) == (False, True)
        assert platform("DELETE", f"{path}?{query}&accepts_incomplete=true")[0] == 202
        done(path)
    assert addonkit_command("list", "--json").data["instances"] == []


def hostile_line(home: Path) -> None:
    """What a server logs turns nothing around and clears no screen where it is read."""
    (log,) = home.glob("pools/valkey-*/log")
    with log.open("ab") as file:
        file.write("a\tb \x1b[2J\x07 \u202e\x9b \x00 <b>\r\n".encode() + b"\xff\n")
    status, shown = ask(at_home(home), "GET", "/v1/instances/shop-valkey/log?lines=1000")
    assert status == 200
    assert r"a       b \x1b[2J\x07 \u202e\x9b \x00 <b>" in "\n".join(shown["lines"])
    assert all(line.isprintable() for line in shown["lines"]), shown["lines"][-3:]


def servers_and_options(elsewhere: CommandLine) -> None:
    """A server is stopped, started, restarted and configured through the API as beside the home."""
    asked = elsewhere("set", "valkey", "-a", "shop", "maxmemory=20MB")
    assert (asked.status, "has to be confirmed" in asked.err) == (1, True), "the server would restart"
    assert elsewhere("set", "valkey", "-a", "shop", "maxmemory=20MB", "--yes").out.endswith(
        "its server was restarted\n"
    )
    listed = {each["name"]: each["value"] for each in elsewhere("set", "shop-valkey", "--json").data["options"]}
    assert listed["maxmemory"] == "20MB"
    assert elsewhere("set", "shop-valkey", "--reset", "maxmemory", "--yes").status == 0
    for words, state in (("stop", "stopped"), ("start", "running"), ("restart", "running")):
        assert elsewhere(words, "-a", "shop").status == 0
        assert elsewhere("list", "--json").data["instances"][0]["server"]["state"] == state, words
    unknown = elsewhere("restart", "none")
    assert (unknown.status, unknown.err.count("\n")) == (1, 1)
    assert "no instance has this name" in unknown.err


def extensions(elsewhere: CommandLine) -> None:
    """Extensions are listed, added, brought up to date and removed through the API."""
    assert elsewhere("create", "postgresql", "-a", "shop").status == 0
    for words in ("add", "update", "remove"):
        assert elsewhere("extension", words, "postgresql", "pg_trgm", "-a", "shop").status == 0, words
        found = elsewhere("extension", "list", "shop-postgresql", "--json").data["extensions"]
        (had,) = [each["installed"] for each in found if each["name"] == "pg_trgm"]
        assert (had is None) == (words == "remove")
    refused = elsewhere("extension", "add", "shop-postgresql", "none")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert elsewhere("destroy", "shop-postgresql", "--yes", "--now").status == 0


@pytest.mark.slow
def test_the_command_line_through_the_api(addonkit_command: CommandLine, home: Path, tmp_path: Path) -> None:
    token = addonkit_command("token", "create", "laptop", "--role", "operator").out.strip()
    with serving(addonkit_command, "--listen", "127.0.0.1:0", line="http://") as (_, address):
        elsewhere = CommandLine(tmp_path / "nothing", {"ADDONKIT_URL": address, "ADDONKIT_TOKEN": token})
        assert "join_server" not in elsewhere("create", "valkey", "-a", "shop", "-v").out
        assert elsewhere("list").out.count("shop-valkey") == 1
        shown = elsewhere("show", "valkey", "-a", "shop", "--json").data
        assert (shown["phase"], shown["usage"]["objects"]) == ("active", 0), "the server there is asked"
        values = {
            each["key"]: each["value"]
            for each in elsewhere("env", "-a", "shop", "--reveal", "--json").data["variables"]
        }
        assert elsewhere("attach", "shop-valkey", "-a", "web", "--role", "read-only").status == 0
        refused = elsewhere("run", "-a", "web", "--", "sh", "-c", "redis-cli -u $REDIS_URL SET a b")
        assert "NOPERM" in refused.out + refused.err
        said = elsewhere("run", "-a", "shop", "--", "sh", "-c", "echo $VALKEY_PORT").out.strip()
        assert said == values["VALKEY_PORT"]
        vcap = elsewhere("env", "-a", "shop", "--format", "vcap", "--reveal").data
        assert vcap["valkey"][0]["credentials"]["VALKEY_PORT"] == values["VALKEY_PORT"]
        assert (vcap["valkey"][0]["instance_name"], vcap["valkey"][0]["plan"]) == ("shop-valkey", "small")
        rotated = elsewhere("rotate", "valkey", "-a", "shop", "--json").data
        assert (rotated["instance"], rotated["apps"]) == ("shop-valkey", ["shop"])
        after = elsewhere("env", "get", "-a", "shop", "VALKEY_PASSWORD").out.strip()
        assert after not in {"", values["VALKEY_PASSWORD"]}
        unoffered = elsewhere("rotate", "shop-valkey", "--finish")
        assert (unoffered.status, unoffered.err.count("\n")) == (1, 1)
        assert elsewhere("env", "set", "-a", "shop", "DEBUG=1").status == 0
        hostile_line(home)
        servers_and_options(elsewhere)
        assert elsewhere("doctor").out == "no problems found\n"
        assert "eady to accept connections" in elsewhere("logs", "valkey", "-a", "shop", "-n", "500").out
        assert elsewhere("logs", "shop-valkey", "-n", "2", "--json").data["lines"][1:]
        assert "leave out `--follow`" in elsewhere("logs", "shop-valkey", "-f").err
        refused = elsewhere("saga", "list")
        assert (refused.status, refused.err.count("\n")) == (1, 1)
        assert "does not work through a service" in refused.err
        assert elsewhere("destroy", "valkey", "-a", "shop", "--yes", "--now").status == 0
        extensions(elsewhere)
        assert elsewhere("list", "--json").data == {"instances": []}
    gone = elsewhere("list")
    assert (gone.status, gone.err.count("\n")) == (1, 1)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.slow
def test_backups_trash_and_tokens_through_the_api(home: Path, tmp_path: Path) -> None:
    beside = CommandLine(home, {"ADDONKIT_TRASH": "1d"})
    admin = beside("token", "create", "laptop", "--role", "admin").out.strip()
    with serving(beside, "--listen", "127.0.0.1:0", line="http://") as (_, address):
        run = CommandLine(tmp_path / "nothing", {"ADDONKIT_URL": address, "ADDONKIT_TOKEN": admin})
        assert run("create", "valkey", "-a", "shop").status == 0
        client = valkey.Valkey.from_url(run("env", "get", "-a", "shop", "VALKEY_URL").out.strip())
        client.set("kept", "1")
        made = run("backup", "create", "valkey", "-a", "shop", "--json").data
        assert (made["instance"], made["verified"] is not None) == ("shop-valkey", True)
        unproved = run("backup", "create", "shop-valkey", "--no-verify", "--json").data["name"]
        assert [each["name"] for each in run("backup", "list", "--json").data["backups"]] == [made["name"], unproved]
        assert run("backup", "list", "shop-valkey").out.count("shop-valkey/") == 2
        assert run("backup", "verify", unproved).out.startswith(f"{unproved}: verified")
        client.set("kept", "2")
        back = run("restore", "valkey", "-a", "shop", "--from", made["name"], "--json").data
        assert (back["backup"]["name"], back["former"] != "") == (made["name"], True)
        assert "restart apps" in run("rollback", "shop-valkey").out
        assert run("backup", "delete", unproved, "--yes").out == f"{unproved} is deleted\n"
        for words in (("backup", "key"), ("backup", "create", "shop-valkey", "--dry-run"), ("trash", "delete", "x")):
            refused = run(*words)
            assert (refused.status, refused.err.count("\n")) == (1, 1), words
        assert run("destroy", "shop-valkey", "--yes").status == 0
        (kept,) = [each for each in run("trash", "list", "--json").data["trash"] if each["instance"] == "shop-valkey"]
        assert kept["apps"] == ["shop"]
        assert run("undestroy", "valkey", "-a", "shop").out.startswith(
            "shop-valkey is back, with its data\nshop receives "
        )
        client = valkey.Valkey.from_url(run("env", "get", "-a", "shop", "VALKEY_URL").out.strip())
        assert client.get("kept") == b"2", "the data from before the restore, which was rolled back"
        other = run("token", "create", "deploy", "--role", "reader", "-a", "shop", "--json").data
        assert [each["id"] for each in run("token", "list", "--json").data["tokens"]][1:] == [other["id"]]
        reader = CommandLine(tmp_path / "nothing", {"ADDONKIT_URL": address, "ADDONKIT_TOKEN": other["text"]})
        assert len(reader("backup", "list", "--json").data["backups"]) > 1
        assert reader("backup", "delete", made["name"], "--yes").status == 1
        assert run("token", "revoke", other["id"]).status == 0
        assert reader("list").status == 1
        assert run("destroy", "shop-valkey", "--yes", "--now").status == 0


@pytest.mark.slow
def test_new_credentials_are_asked_for(addonkit_command: CommandLine, home: Path) -> None:
    token = addonkit_command("token", "create", "web", "--role", "operator", "--app", "web").out.strip()
    with serving(addonkit_command):
        addonkit_command("create", "valkey", "-a", "shop")
        addonkit_command("attach", "shop-valkey", "-a", "web")
        pings, tells = "redis-cli --no-auth-warning -u $REDIS_URL PING", ("sh", "-c", "echo $REDIS_URL")
        former, shops = (addonkit_command("run", "-a", app, "--", *tells).out for app in ("web", "shop"))

        def rotate(**body: object) -> tuple[int, Any]:
            bearer = f"Bearer {token}"
            return ask(at_home(home), "POST", "/v1/instances/shop-valkey/rotate", body, Authorization=bearer)

        assert rotate()[0] == rotate(app="shop")[0] == 403, "credentials of another app stay"
        status, begun = rotate(app="web")
        assert status == 202, begun
        done = ended(home, begun["id"])
        assert (done["state"], done["result"]["apps"], done["result"]["kept"]) == ("succeeded", ["web"], 0)
        assert "PONG" in addonkit_command("run", "-a", "web", "--", "sh", "-c", pings).out
        refused = addonkit_command("run", "-a", "web", "--", "sh", "-c", pings.replace("$REDIS_URL", former.strip()))
        assert "WRONGPASS" in refused.out + refused.err
        assert addonkit_command("run", "-a", "shop", "--", *tells).out == shops


@pytest.mark.slow
def test_a_token_for_some_apps_restores_no_data_of_others(addonkit_command: CommandLine, home: Path) -> None:
    token = addonkit_command("token", "create", "blog", "--role", "operator", "--app", "blog").out.strip()
    with serving(addonkit_command):
        backups = {}
        for app in ("shop", "blog"):
            addonkit_command("create", "valkey", "-a", app)
            backups[app] = addonkit_command("backup", "create", f"{app}-valkey", "--no-verify", "--json").data["name"]

        def restore(**body: str) -> tuple[int, Any]:
            bearer = f"Bearer {token}"
            return ask(at_home(home), "POST", "/v1/instances/blog-valkey/restore", body, Authorization=bearer)

        status, refused = restore(backup=backups["shop"])
        assert (status, refused["found"]) == (403, "this token does not reach the app shop")
        for name in ("shop-valkey", "none/2020", "none.addonkit"):
            assert restore(backup=name)[0] in {403, 404}, name
        for body in ({"backup": backups["blog"]}, {}):
            status, begun = restore(**body)
            assert status == 202, begun
            assert ended(home, begun["id"])["state"] == "succeeded"


_ACTIVATED = """
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
os.dup2(listening.fileno(), 9)
os.dup2(9, 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "addonkit", "serve"])
"""


def test_a_socket_that_systemd_passes(addonkit_command: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "s"
    argv = [sys.executable, "-c", _ACTIVATED, str(path)]
    environ = addonkit_command.environment()
    process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        said = ""
        while str(path) not in said:
            said = process.stdout.readline()
            assert said, process.communicate()
        assert ask(UnixConnection(str(path)), "GET", "/v1/apps")[0] == 200
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(LIMIT) == 0
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)


@pytest.mark.parametrize("words", [("--listen", "0.0.0.0:1"), ("--tls-cert", "x"), ("--listen", "127.0.0.1:x")])
def test_what_cannot_be_listened_on_is_one_line(addonkit_command: CommandLine, words: tuple[str, ...]) -> None:
    ended = addonkit_command("serve", *words)
    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("error: cannot listen on ")
