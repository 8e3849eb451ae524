"""What `addonkit new --kind remote` writes says what is wrong in one line, leaves nothing half made, and can be destroyed."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import addonkit
from addonkit import Kit, Registry, Retry
from addonkit.engine import compensation
from addonkit.testing.command import CommandLine


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The written package, importable here and in processes that are started here."""
    folder = tmp_path_factory.mktemp("new")
    command = CommandLine(folder / "home")
    assert command("new", "acme", "--kind", "remote", "--directory", str(folder)).status == 0
    source = str(folder / "addonkit-acme" / "src")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(source)
        patch.setenv("PYTHONPATH", source)
        yield importlib.import_module("addonkit_acme")
    for name in [name for name in sys.modules if name.partition(".")[0] == "addonkit_acme"]:
        del sys.modules[name]


@pytest.fixture
def service(package: Any) -> Iterator[tuple[Mapping[str, str], Any]]:
    """Settings for its own little service, and what looks at it."""
    client = importlib.import_module("addonkit_acme.conformance").Client()
    with client.service() as settings:
        yield settings, client


@pytest.fixture
async def kit(home: Path, package: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kit]:
    monkeypatch.setattr(compensation, "ROUNDS", Retry(attempts=1, first_delay=0.01))
    registry = Registry()
    registry.register(package, "acme")
    async with addonkit.open(home, registry=registry) as opened:
        yield opened


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """Something on loopback that answers every request so, or closes at once; its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


WRONG = {
    "a wrong token": ({"token": "wrong"}, "it refuses the token; run `addonkit config set acme token=-`"),
    "nothing listens": ({"endpoint": "http://127.0.0.1:1"}, "it cannot be reached: .*; run `curl -i http"),
    "no URL": ({"endpoint": "acme.example.org"}, "the endpoint is not a URL; run `addonkit config set"),
    "a URL without a host": ({"endpoint": "http://"}, "the endpoint or the token cannot be used; set them with"),
    "a port that is none": ({"endpoint": "http://127.0.0.1:none"}, "the endpoint or the token cannot be used"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_at_first_is_said_and_it_can_be_destroyed(
    kit: Kit, service: tuple[Mapping[str, str], Any], what: str
) -> None:
    settings, client = service
    wrong, line = WRONG[what]
    await kit.set_config("acme", {**settings, **wrong})

    with pytest.raises(addonkit.InstanceFailed, match=line) as said:
        await kit.create("acme", app="shop")

    assert "\n" not in str(said.value)
    assert settings["token"] not in str(said.value)
    assert await kit.executions(unfinished=True) == ()
    assert client.left_behind(settings) == []
    await kit.destroy("shop-acme")
    assert await kit.instances() == ()


async def test_it_goes_on_once_the_settings_are_right(kit: Kit, service: tuple[Mapping[str, str], Any]) -> None:
    settings, client = service
    await kit.set_config("acme", {**settings, "token": "wrong"})
    with pytest.raises(addonkit.InstanceFailed):
        await kit.create("acme", app="shop")

    await kit.set_config("acme", settings)
    await kit.retry("shop-acme")

    assert "ACME_URL" in (await kit.environment("shop")).as_dict()
    await kit.destroy("shop-acme")
    assert client.left_behind(settings) == []


@pytest.mark.parametrize("name", ["endpoint", "token"])
async def test_settings_that_were_removed_are_named_at_destroy(
    kit: Kit, service: tuple[Mapping[str, str], Any], name: str
) -> None:
    settings, client = service
    await kit.set_config("acme", settings)
    await kit.create("acme", app="shop")
    await kit.unset_config("acme", [name])
    words = f"{name}=-" if name == "token" else rf"{name}=\.\.\."

    with pytest.raises(
        addonkit.InstanceFailed,
        match=f"its operator has not set {name}; run `addonkit config set acme {words}`",
    ):
        await kit.destroy("shop-acme")

    await kit.set_config("acme", settings)
    await kit.destroy("shop-acme")
    assert client.left_behind(settings) == []


@pytest.mark.parametrize("what", ["a wrong token", "nothing listens"])
async def test_what_is_wrong_at_destroy_is_said_and_the_account_can_be_forgotten(
    kit: Kit, service: tuple[Mapping[str, str], Any], what: str
) -> None:
    settings, client = service
    wrong, line = WRONG[what]
    await kit.set_config("acme", settings)
    await kit.create("acme", app="shop")
    await kit.set_config("acme", wrong)

    with pytest.raises(addonkit.InstanceFailed, match=line) as said:
        await kit.destroy("shop-acme")
    (stays,) = await kit.forget("shop-acme")

    assert "addonkit destroy shop-acme --forget" in str(said.value)
    (account,) = client.left_behind(settings)
    assert stays == f"acme: account {account}, endpoint {settings['endpoint']}"
    assert await kit.doctor() == ()


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", "it answers 500"),
        (b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", "it answers 404; look at it: http"),
        (b"", "it does not answer: "),
        (b"SSH-2.0-OpenSSH\r\n", "it does not answer: "),
    ],
)
async def test_a_service_that_does_not_do_its_work_is_said_to(
    kit: Kit, service: tuple[Mapping[str, str], Any], answer: bytes, line: str
) -> None:
    settings, _ = service
    async with answering(answer) as url:
        await kit.set_config("acme", {**settings, "endpoint": url})
        with pytest.raises(addonkit.InstanceFailed, match=line) as said:
            await kit.create("acme", app="shop")

    assert "\n" not in str(said.value)
    await kit.forget("shop-acme")
    assert await kit.instances() == ()
