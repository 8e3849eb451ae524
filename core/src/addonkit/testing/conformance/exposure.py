"""Checks of what a server shows and opens beside what its apps were given."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from addonkit.models.identifiers import new_id
from addonkit.testing.conformance.applicability import not_tried
from addonkit.testing.conformance.assertions import require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.forgery import password_in
from addonkit.testing.conformance.rig import KEY, Rig
from addonkit.testing.home import server_processes

_SHORTEST = 4
"""Characters of a name that is looked for in a listing: shorter ones are found by accident."""


_LOOKS = 10
"""Listings that an app asks for while another one is at work."""


class ExposureChecks:
    """One app looks at another, and the kit at what the server opens."""

    @synchronous
    async def test_an_app_sees_no_statement_of_another(self, rig: Rig, variant: str) -> None:
        """What an app asks for is not shown to others, while it asks and afterwards."""
        marker = f"marker{new_id()}"
        async with rig.kit() as kit:
            mine = await rig.create(kit, variant, "shop")
            theirs = await rig.create(kit, variant, "blog")
            await rig.write(theirs, "theirs")
            async with rig.session(theirs) as ask, _asking(ask, marker):
                listed = [each for _ in range(_LOOKS) for each in await _listing(rig, mine)]
            require(
                not any(marker in each for each in listed),
                "an app sees what a session of another app asks for",
                "take the right to list sessions, slow queries or logs from logins of apps",
            )
            for app in ("shop", "blog"):
                await rig.destroy(kit, app)
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_an_app_sees_no_name_of_another(self, rig: Rig, variant: str) -> None:
        """Who else is on the server, and what the databases of others are called, is not shown."""
        async with rig.kit() as kit:
            mine = await rig.create(kit, variant, "shop")
            theirs = await rig.create(kit, variant, "blog")
            async with rig.calls.session(theirs) as ask:  # without one, who is there is not listed everywhere
                if ask is not None:
                    await ask(KEY)
                listed = await _listing(rig, mine)
            shown = [
                name
                for name, value in theirs.items()
                if _is_name(value, mine) and name not in rig.sensitive and any(value in each for each in listed)
            ]
            require(
                not shown,
                f"an app sees the {', '.join(shown)} of another app",
                "take the right to list users and databases from logins of apps",
            )
            for app in ("shop", "blog"):
                await rig.destroy(kit, app)
            await rig.expect_nothing(kit, "both were destroyed")

    @synchronous
    async def test_its_server_opens_no_other_door(self, rig: Rig, variant: str) -> None:
        """It listens on the ports that addonkit chose and in its own directories: on nothing else, UDP included."""
        async with rig.kit() as kit:
            await rig.create(kit, variant, "shop")
            own = {int(path.name) for path in rig.home.glob("ports/[0-9]*")}
            doors = {door for pid in server_processes(rig.home) for door in _doors(pid, own, rig.home)}
            require(
                not doors,
                f"its server also listens on {', '.join(sorted(doors))}",
                "switch it off (monitoring, administration, discovery), or name it in `more_ports` of ServerAddon",
            )
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


@asynccontextmanager
async def _asking(ask: Callable[[str], Any], key: str) -> AsyncIterator[None]:
    """Ask for a key on a session all the while: some servers show a statement as long as it runs."""
    await ask(key)
    over = asyncio.Event()

    async def go_on() -> None:
        while not over.is_set():
            await ask(key)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        over.set()
        await task


async def _listing(rig: Rig, environ: Mapping[str, str]) -> list[str]:
    listed = await rig.ask("listing", environ)
    if listed is None:
        not_tried("listing")
    return [str(each) for each in listed]


def _is_name(value: str, mine: Mapping[str, str]) -> bool:
    return len(value) >= _SHORTEST and value not in mine.values() and not password_in(value) and "://" not in value


def _doors(pid: int, own: set[int], home: Path) -> Iterator[str]:
    """Yield what a server and its helpers listen on past its own ports."""
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        for process in (server, *server.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                yield from _doors_of(process, own, home)


def _doors_of(process: psutil.Process, own: set[int], home: Path) -> Iterator[str]:
    for each in process.net_connections(kind="inet"):
        is_open = each.status == psutil.CONN_LISTEN or (each.type == socket.SOCK_DGRAM and not each.raddr)
        if is_open and each.laddr.port not in own:
            kind = "UDP" if each.type == socket.SOCK_DGRAM else "TCP"
            yield f"{kind} port {each.laddr.ip}:{each.laddr.port}"
    for each in process.net_connections(kind="unix"):
        path = Path(str(each.laddr))
        if path.is_absolute() and not path.is_relative_to(home) and path.exists():
            yield f"the socket {path}"
