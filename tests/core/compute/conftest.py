"""Small servers written for the tests, and a backend to run them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from addonkit.compute.process.backend import ProcessBackend
from addonkit.compute.process.open_files import working_in
from addonkit.models.compute import CreateSandboxPoolSpec, Disk, Pool, PoolState, Port, Probe, Program, Volume
from addonkit.models.definition import AddonDefinition, ProgramSource, VariantDefinition

GREETER = """
import os, signal, socket, sys
port, disk, mood = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if mood == "dies":
    sys.exit("cannot find the cellar")
if mood == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mood == "parent" and os.fork() == 0:
    import time; time.sleep(600)
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", port))
server.listen()
print("listening", flush=True)
while True:
    client, _ = server.accept()
    client.recv(100)
    client.sendall(b"NOTYET" if mood == "slow" else b"HELLO")
    client.close()
"""


__all__ = ["Bench", "backend_on", "bench", "definition", "make_bench", "working_in"]


@attrs.define
class Bench:
    """A backend on a home, with a directory of executables."""

    home: Path
    bin: Path
    backend: ProcessBackend
    others: list[ProcessBackend] = attrs.Factory(list)

    def another(self) -> ProcessBackend:
        self.others.append(ProcessBackend(self.home, environ={"ADDONKIT_PROGRAMS": str(self.bin)}))
        return self.others[-1]

    def pool(self, name: str = "greeter", mood: str = "kind", **changes: object) -> Pool:
        program = Program(
            source=ProgramSource(("greet",), version_pattern=r"greet (\d+\.\d+)"),
            version="1",
            argv=("greet", "{port}", "{disk}", mood),
            probe=Probe("main", "hi", ("HELLO",)),
            stop_timeout=0.3,
        )
        program = attrs.evolve(program, **changes)
        spec = CreateSandboxPoolSpec(
            name, program=program, ports=(Port("main", 1234),), volumes=(Volume("data", name),), port_wait_timeout=5
        )
        return Pool(name, spec, "process")

    async def start(self, pool: Pool, *, start: bool = True) -> Pool:
        for volume in pool.spec.volumes:
            await self.backend.ensure_disk(Disk(volume.disk, 1))
        placed = await self.backend.place(pool)
        if start:
            await self.backend.ensure_running(placed)
        return placed

    def tool(self, name: str, body: str) -> None:
        """Add a shell script to the executables."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def prepared(self, *words: str, **changes: object) -> Pool:
        """A pool whose disk is prepared by the tool `prep`, called with these words."""
        source = ProgramSource(("greet", "prep"), version_pattern=r"greet (\d+\.\d+)")
        return self.pool(source=source, prepare=(("prep", *words),), **changes)

    async def ready(self, pool: Pool) -> PoolState:
        for _ in range(500):
            state = await self.backend.observe(pool)
            if state.ready or not state.running:
                return state
            await asyncio.sleep(0.01)
        return await self.backend.observe(pool)


def backend_on(home: Path) -> ProcessBackend:
    return ProcessBackend(home, environ={"ADDONKIT_PROGRAMS": str(home / "bin")})


def definition(pool: Pool) -> AddonDefinition:
    """An addon whose server is the pool's."""
    source = pool.spec.program.source
    return AddonDefinition("greeter", "Greeter", "", "small", (VariantDefinition("small"),), program=source)


async def make_bench(home: Path) -> AsyncIterator[Bench]:
    folder = home / "bin"
    folder.mkdir(mode=0o755, exist_ok=True)
    script = folder / "greet"
    check = 'if len(sys.argv) == 2:\n    print("greet 1.7"); sys.exit()\n'
    # A service user has no way to an interpreter below /root.
    python = "/usr/bin/python3" if os.geteuid() == 0 else sys.executable
    script.write_text(f"#!{python}\nimport sys\n{check}{GREETER}")
    script.chmod(0o755)
    made = Bench(home, folder, backend_on(home))
    yield made
    for backend in (made.backend, *made.others):
        await backend.close()


bench = pytest.fixture(make_bench)
