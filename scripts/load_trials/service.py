"""The service under load: the real `addonkit serve`, started again whenever it is killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs

from load_trials import light_addon

_METADATA: Final = "Metadata-Version: 2.1\nName: acme-light\nVersion: 1.0\nRequires-Dist: addonkit\n"

_START_WITHIN: Final = 60.0


@attrs.define
class Service:
    """A home, and the process that serves it.

    Attributes:
        root: holds the home, the addon, and the files that are its instances.
        kills: how often the process was killed.
        memory: megabytes of the process, at each look.
    """

    root: Path
    kills: int = 0
    memory: list[float] = attrs.field(factory=list)
    _process: asyncio.subprocess.Process | None = None

    @property
    def home(self) -> Path:
        """The home."""
        return self.root / "home"

    @property
    def files(self) -> Path:
        """The home of the instances."""
        return self.root / "files"

    def environment(self) -> dict[str, str]:
        """Return the environment of every command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ADDONKIT_")}
        ours = {"ADDONKIT_HOME": str(self.home), "ADDONKIT_TRASH": "0", light_addon.FOLDER: str(self.files)}
        return kept | ours | {"PYTHONPATH": str(self.root / "site")}

    def prepare(self) -> None:
        """Make the directories, and install the addon."""
        self.files.mkdir()
        site = self.root / "site"
        info = site / "acme_light-1.0.dist-info"
        info.mkdir(parents=True)
        shutil.copy(light_addon.__file__, site / "acme_light.py")
        (info / "METADATA").write_text(_METADATA)
        (info / "entry_points.txt").write_text("[addonkit.addons]\nlight = acme_light\n")

    async def start(self) -> None:
        """Start the process, and wait until it answers."""
        argv = (sys.executable, "-m", "addonkit", "serve")
        out = asyncio.subprocess.PIPE
        with (self.root / "errors.log").open("ab") as errors:
            process = await asyncio.create_subprocess_exec(*argv, env=self.environment(), stdout=out, stderr=errors)
        self._process = process
        assert process.stdout is not None
        async with asyncio.timeout(_START_WITHIN):
            while b"answering on" not in (line := await process.stdout.readline()):
                assert line, (self.root / "errors.log").read_text()[-2000:]

    async def kill(self) -> None:
        """Kill the process, and start another one."""
        await self.stop()
        self.kills += 1
        await self.start()

    async def stop(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None

    def look(self) -> None:
        """Note how much memory the process has."""
        if self._process is None:
            return
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        self.memory.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


@asynccontextmanager
async def running(root: Path) -> AsyncIterator[Service]:
    """Serve a new home below a directory while the block lasts."""
    service = Service(root)
    service.prepare()
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
