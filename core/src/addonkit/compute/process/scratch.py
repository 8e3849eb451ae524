"""Gives a command a private folder. A process of its own removes it once the command has ended, however it ended.

That process, the keeper, makes the folder too: it is out of the reach of signals to the command by then. It waits for
the end of its input, whose other end the command and all that it starts inherit.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process.user import ServiceUser, subprocess_credentials
from addonkit.errors import CommandFailed
from addonkit.util.concurrency import uninterrupted
from addonkit.util.values import frozen

PLACE: Final = "/var/tmp"  # noqa: S108 - the folder is made there by `mktemp -d`, readable by its owner only
"""Where such folders are unless TMPDIR says otherwise: a disk, and not that of the servers' data."""

PREFIX: Final = "addonkit-scratch."
"""Beginning of their names."""

_PATIENCE: Final = 10.0
"""Seconds in which the folder mostly is removed; a process that has left the command's group may still use it."""

_KEEPER: Final = """\
trap '' HUP INT TERM
folder=$(mktemp -d "$1")
printf %s "$folder"
exec >&-
cat >/dev/null
rm -rf "$folder"
"""


@frozen
class Scratch:
    """A private folder of a command.

    Attributes:
        folder: its path.
        held: descriptor that the command inherits; the folder stays until all its copies are closed.
    """

    folder: Path
    held: int


@asynccontextmanager
async def scratch_folder(env: Mapping[str, str], user: ServiceUser | None, attempted: str) -> AsyncIterator[Scratch]:
    """Yield an empty folder of a user, which is removed after the block, and also when this process is killed.

    Args:
        env: of the command.
        user: who runs it; None for ourselves.
        attempted: what errors say was tried.

    Raises:
        CommandFailed: the folder cannot be made.
    """
    template = Path(env.get("TMPDIR", PLACE), f"{PREFIX}XXXXXX")
    reading, held = os.pipe()
    keeper = None
    try:
        try:
            keeper = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-euc", _KEEPER, "sh", str(template)),
                stdin=reading,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": env.get("PATH", os.defpath)},
                cwd="/",
                start_new_session=True,
                **subprocess_credentials(user),
            )
        finally:
            os.close(reading)
        folder = os.fsdecode(await keeper.stdout.read()) if keeper.stdout else ""
        if not folder:
            raise CommandFailed(attempted, f"no folder can be made in {template.parent}")
        yield Scratch(Path(folder), held)
    finally:
        os.close(held)
        if keeper is not None:
            await uninterrupted(_ended(keeper))


async def _ended(keeper: asyncio.subprocess.Process) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await keeper.wait()
