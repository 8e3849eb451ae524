"""The reference implementation of a registry, as Debian ships it: open, with a password file, and with tokens."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import json
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from yarl import URL

from addonkit.errors import ImageDenied, ImageNotFound

# bcrypt of `correct-horse`, the only kind of hash that the registry takes
HTPASSWD = "reader:$2y$05$2oORLNLkULWXlBca7WtI7eZqrzfniCeR62O/nLNlODgWJZzt6RvP6\n"
BASIC = f"Basic {base64.b64encode(b'reader:correct-horse').decode()}"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = b"{}"


@attrs.frozen
class Pusher:
    """Puts images into a registry by its plain HTTP interface."""

    session: aiohttp.ClientSession
    host: str

    async def image(self, name: str, tag: str, media_type: str) -> str:
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", **await self._blob(name, CONFIG)}
        return await self.manifest(name, tag, media_type, {"config": config, "layers": []})

    async def manifest(self, name: str, tag: str, media_type: str, content: dict[str, object]) -> str:
        """Its digest, computed here."""
        body = json.dumps({"schemaVersion": 2, "mediaType": media_type, **content}).encode()
        url = f"http://{self.host}/v2/{name}/manifests/{tag}"
        async with self.session.put(url, data=body, headers={"Content-Type": media_type}) as answer:
            assert answer.status == 201, await answer.text()
        return digest_of(body)

    async def _blob(self, name: str, content: bytes) -> dict[str, object]:
        async with self.session.post(f"http://{self.host}/v2/{name}/blobs/uploads/") as answer:
            assert answer.status == 202, await answer.text()
            place = answer.headers["Location"]
        url = URL(place).update_query(digest=digest_of(content))
        async with self.session.put(url, data=content) as answer:
            assert answer.status == 201, await answer.text()
        return {"digest": digest_of(content), "size": len(content)}


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@asynccontextmanager
async def running(program: str, home: Path, auth: Mapping[str, object]) -> AsyncIterator[str]:
    """`host:port` of a registry that keeps its images in the home and ends with the block."""
    config = home / "registry.yml"
    config.write_text(json.dumps(_config(home, auth)))  # JSON is YAML
    process = await asyncio.create_subprocess_exec(
        program,
        "serve",
        str(config),
        env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    drain = None
    try:
        async with asyncio.timeout(30):
            host = await _listening(process.stderr)
        drain = asyncio.create_task(process.stderr.read())
        yield host
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if drain is not None:
            await drain


def _config(home: Path, auth: Mapping[str, object]) -> dict[str, object]:
    config = {
        "version": 0.1,
        "log": {"level": "info", "formatter": "text"},
        "storage": {"filesystem": {"rootdirectory": str(home / "images")}},
        "http": {"addr": "127.0.0.1:0"},
    }
    return {**config, "auth": auth} if auth else config


async def _listening(log: asyncio.StreamReader) -> str:
    seen = b""
    while line := await log.readline():
        seen += line
        if found := re.search(rb"listening on (127\.0\.0\.1:\d+)", line):
            return found[1].decode()
    raise AssertionError(f"the registry ended: {seen.decode()}")


@pytest.fixture
async def registry(home, of_machine):
    async with running(of_machine("docker-registry"), home, {}) as host:
        yield host


@pytest.fixture
async def closed_registry(home, of_machine):
    passwords = home / "htpasswd"
    passwords.write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(passwords)}}
    async with running(of_machine("docker-registry"), home, auth) as host:
        yield host


@pytest.fixture
async def pusher(registry):
    async with aiohttp.ClientSession() as session:
        yield Pusher(session, registry)


async def test_every_kind_of_manifest_is_found_by_tag_and_by_digest(pusher, checker):
    docker = await pusher.image("team/app", "docker", DOCKER_MANIFEST)
    oci = await pusher.image("team/app", "oci", OCI_MANIFEST)
    size = {"size": 100, "platform": {"architecture": "amd64", "os": "linux"}}
    inside = {"manifests": [{"mediaType": DOCKER_MANIFEST, "digest": docker, **size}]}
    many = await pusher.manifest("team/app", "list", DOCKER_LIST, inside)
    inside = {"manifests": [{"mediaType": OCI_MANIFEST, "digest": oci, **size}]}
    index = await pusher.manifest("team/app", "latest", OCI_INDEX, inside)
    name = f"{pusher.host}/team/app"
    for tag, digest in {":docker": docker, ":oci": oci, ":list": many, ":latest": index, "": index}.items():
        assert await checker.check_image(f"{name}{tag}") == digest
        assert await checker.check_image(f"{name}{tag}@{digest}") == digest


@pytest.mark.parametrize("suffix", [":2", f"@sha256:{'0' * 64}", "/more:1"])
async def test_what_was_not_pushed_is_not_found(pusher, checker, suffix):
    await pusher.image("team/app", "1", OCI_MANIFEST)
    with pytest.raises(ImageNotFound):
        await checker.check_image(f"{pusher.host}/team/app{suffix}")


async def test_with_a_password_file_only_its_users_are_answered(closed_registry, checker, log_in):
    host = closed_registry
    async with aiohttp.ClientSession(headers={"Authorization": BASIC}) as session:
        digest = await Pusher(session, host).image("team/app", "1", OCI_MANIFEST)
    with pytest.raises(ImageDenied, match="there is none for it"):
        await checker.check_image(f"{host}/team/app:1")
    log_in(host, "reader:wrong")
    with pytest.raises(ImageDenied, match="does not accept the login"):
        await checker.check_image(f"{host}/team/app:1")
    log_in(host)
    assert await checker.check_image(f"{host}/team/app:1") == digest
    with pytest.raises(ImageNotFound):
        await checker.check_image(f"{host}/team/app:2")


@attrs.frozen
class Issuer:
    """A token server that the registry trusts, as its certificate is in the registry's bundle."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    asked: list[str] = attrs.field(factory=list)

    @classmethod
    def new(cls) -> Issuer:
        key = ec.generate_private_key(ec.SECP256R1())
        name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")]), dt.datetime.now(dt.UTC)
        day = dt.timedelta(days=1)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - day).not_valid_after(now + day)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    async def answer(self, request: web.Request) -> web.Response:
        """A token for what is asked, to the one user that there is."""
        scopes = request.query.getall("scope", [])
        self.asked.extend(scopes)
        if request.headers.get("Authorization") != BASIC:
            return web.Response(status=401)
        return web.json_response({"token": self.token(*scopes)})

    def token(self, *scopes: str) -> str:
        """A JWT, signed by ES256 (RFC 7518, section 3.4)."""
        now = int(time.time())
        parts = [scope.split(":") for scope in scopes]
        access = [{"type": kind, "name": name, "actions": actions.split(",")} for kind, name, actions in parts]
        claims = {"iss": "tests", "aud": "registry", "nbf": now - 60, "exp": now + 60, "jti": "1", "access": access}
        chain = [base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()]
        signed = f"{_encoded({'typ': 'JWT', 'alg': 'ES256', 'x5c': chain})}.{_encoded(claims)}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_url_safe(r.to_bytes(32) + s.to_bytes(32))}"


def _encoded(part: object) -> str:
    return _url_safe(json.dumps(part).encode())


def _url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


async def test_a_token_is_fetched_for_this_image_and_believed(home, of_machine, checker, log_in):
    issuer, app = Issuer.new(), web.Application()
    app.router.add_get("/token", issuer.answer)
    bundle = home / "bundle.pem"
    bundle.write_bytes(issuer.certificate.public_bytes(serialization.Encoding.PEM))
    async with TestServer(app, host="127.0.0.1") as server:
        told = {"realm": str(server.make_url("/token")), "service": "registry", "issuer": "tests"}
        auth = {"token": {**told, "rootcertbundle": str(bundle)}}
        async with running(of_machine("docker-registry"), home, auth) as host:
            bearer = {"Authorization": f"Bearer {issuer.token('repository:team/app:push,pull')}"}
            async with aiohttp.ClientSession(headers=bearer) as session:
                digest = await Pusher(session, host).image("team/app", "1", OCI_MANIFEST)
            with pytest.raises(ImageDenied, match="refuses us"):
                await checker.check_image(f"{host}/team/app:1")
            log_in(host)
            assert await checker.check_image(f"{host}/team/app:1") == digest
            assert set(issuer.asked) == {"repository:team/app:pull"}
            with pytest.raises(ImageNotFound):
                await checker.check_image(f"{host}/team/app:2")
