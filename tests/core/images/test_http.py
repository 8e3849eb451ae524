"""One request: through proxies, over TLS, and with reasons that show nothing secret."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from yarl import URL

from addonkit.errors import RegistryUnreachable
from addonkit.images.http import NoAnswer, exchange, open_session
from addonkit.images.retries import Limits

IMAGE = "registry.invalid/team/app:1"


@pytest.fixture
def no_proxy(monkeypatch):
    """The environment of the test names no proxy until the test does."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def insecure(checker, no_proxy):
    return attrs.evolve(checker, insecure=["registry.invalid"])


async def test_a_proxy_of_the_environment_is_used(start, insecure, monkeypatch):
    proxy = await start()
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    assert await insecure.check_image(IMAGE) == proxy.digest


async def test_this_machine_is_never_asked_through_a_proxy(start, insecure, monkeypatch):
    registry, proxy = await start(), await start()
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    assert await insecure.check_image(registry.image) == registry.digest
    assert proxy.asked == []


async def test_logins_of_other_programs_are_not_used(start, insecure, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("default login reader password correct-horse\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    proxy = await start()
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    await insecure.check_image(IMAGE)
    assert [each.authorization for each in proxy.asked] == [""]


@pytest.mark.parametrize(
    "proxy", ["http://user:secret@127.0.0.1:1", "socks5://user:secret@127.0.0.1:1", "127.0.0.1:1", "//[secret"]
)
async def test_a_proxy_that_does_not_work_is_told_without_its_password(insecure, monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(RegistryUnreachable, match="proxy") as caught:
        await insecure.check_image(IMAGE)
    assert "secret" not in repr(caught.value)


async def test_cookies_are_not_kept(start, insecure, monkeypatch):
    proxy = await start(troubles=[("/v2/", 500, {"Set-Cookie": "track=me; Path=/"})])
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    await insecure.check_image(IMAGE)
    assert [each.cookie for each in proxy.asked] == ["", ""]


async def test_a_connection_that_does_not_come_about_is_given_up(start_raw):
    host = await start_raw(lambda reader: reader.read())
    async with open_session(Limits(connect=0.05)) as session:
        with pytest.raises(NoAnswer, match="cannot be connected to in time"):
            await exchange(session, "GET", URL(f"https://{host}/v2/"), {})


async def test_a_name_that_does_not_resolve_is_told(insecure):
    with pytest.raises(RegistryUnreachable, match="its name does not resolve"):
        await insecure.check_image(IMAGE)


@pytest.fixture
def certificate(tmp_path) -> ssl.SSLContext:
    """A server's context with a certificate for loopback that no authority signed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "server.pem").write_bytes(private + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@pytest.fixture
async def encrypted(certificate):
    """The port of a server that speaks TLS."""
    server = TestServer(web.Application(), scheme="https", host="127.0.0.1")
    await server.start_server(ssl=certificate)
    yield server.port
    await server.close()


async def test_a_certificate_that_is_not_trusted_is_not_spoken_to(encrypted):
    async with open_session(Limits()) as session:
        with pytest.raises(NoAnswer, match="certificate that is not trusted"):
            await exchange(session, "GET", URL(f"https://127.0.0.1:{encrypted}/v2/"), {})


async def test_a_registry_that_speaks_plain_http_only_is_told_how_to_be_listed(start):
    registry = await start()
    async with open_session(Limits()) as session:
        with pytest.raises(NoAnswer, match="list it as insecure"):
            await exchange(session, "GET", URL(f"https://{registry.host}/v2/"), {})


@pytest.mark.parametrize("text", ["127.0.0.1", "http://127.0.0.1"])
async def test_a_proxy_may_be_named_without_its_scheme(start, insecure, monkeypatch, text):
    proxy = await start()
    monkeypatch.setenv("http_proxy", f"{text}:{proxy.host.partition(':')[2]}")
    assert await insecure.check_image(IMAGE) == proxy.digest
