"""How the service is spoken to: style of addresses, certificates, and nothing but what the operator told."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from addonkit import AddonkitError, Secret
from addonkit.testing.serving import free_port, serving
from addonkit_s3_remote.client import iam, s3
from addonkit_s3_remote.faults import Refused
from addonkit_s3_remote.service import service_of

TOLD: dict[str, str | Secret] = {
    "endpoint": "https://s3.example.org",
    "access_key": "rclone-admin-key-id",
    "secret_key": Secret("rclone-admin-secret"),
}


@pytest.mark.parametrize(
    ("path_style", "address"),
    [("true", "https://s3.example.org/box/key?"), ("false", "https://box.s3.example.org/key?")],
)
async def test_the_bucket_is_in_the_path_or_in_the_host(path_style: str, address: str) -> None:
    async with s3(service_of(TOLD | {"path_style": path_style}), "asking") as client:
        url = await client.generate_presigned_url("get_object", Params={"Bucket": "box", "Key": "key"})

    assert url.startswith(address)


async def test_settings_of_other_programs_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere.example.org")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")

    async with s3(service_of(TOLD), "asking") as client:
        url = await client.generate_presigned_url("get_object", Params={"Bucket": "box", "Key": "key"})

    assert url.startswith("https://s3.example.org/box/key?")
    assert "rclone-admin-key-id" in url


@pytest.fixture
def certificate(home: Path) -> tuple[Path, Path]:
    """A certificate of this machine that no authority signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    home.mkdir(exist_ok=True)
    files = home / "certificate.pem", home / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@pytest.fixture
def endpoint(certificate: tuple[Path, Path]) -> Iterator[str]:
    """A service with that certificate."""
    port, folder = free_port(), certificate[0].parent / "buckets"
    folder.mkdir()
    argv = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    argv += ["--auth-key", "rclone-admin-key-id,rclone-admin-secret", "--config", os.devnull]
    argv += ["--cert", str(certificate[0]), "--key", str(certificate[1]), str(folder)]
    with serving(argv, port) as address:
        yield f"https://{address}"


async def test_a_certificate_of_ones_own_is_trusted_when_it_is_told(
    endpoint: str, certificate: tuple[Path, Path]
) -> None:
    told = TOLD | {"endpoint": endpoint}

    with pytest.raises(Refused, match=r"is not trusted: .*; run `addonkit config set s3-remote ca_file"):
        async with s3(service_of(told), "asking") as client:
            await client.list_buckets()
    assert await said_about(endpoint) == [endpoint]
    async with s3(service_of(told | {"ca_file": str(certificate[0])}), "asking") as client:
        assert (await client.list_buckets()).get("Buckets", []) == []


async def test_a_file_that_is_not_there_is_said_so() -> None:
    with pytest.raises(Refused, match=r"/nonexistent\.pem cannot be read"):
        async with s3(service_of(TOLD | {"ca_file": "/nonexistent.pem"}), "asking"):
            pytest.fail("nothing is trusted")


async def said_about(endpoint: str) -> list[str]:
    """The names of the service in the line that says that it cannot be asked; S3 and IAM say the same."""
    service, name = service_of(TOLD | {"endpoint": endpoint, "allow_http": "true"}), endpoint.partition("//")[2]
    lines = []
    for kind, call in ((s3, "list_buckets"), (iam, "list_users")):
        with pytest.raises(AddonkitError) as failed:
            async with kind(service, "asking") as client:
                await getattr(client, call)()
        lines.append(str(failed.value))
    assert lines[0] == lines[1]
    host = name.partition(":")[0]
    return re.findall(rf"(?:https?://)?{re.escape(host)}(?::\d+)?", lines[0])


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "https://localhost:1", "http://nobody.invalid"])
async def test_who_cannot_be_reached_is_named_once(endpoint: str) -> None:
    assert await said_about(endpoint) == [endpoint]


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"])
async def test_who_does_not_answer_well_is_named_once(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await said_about(endpoint) == [endpoint]
