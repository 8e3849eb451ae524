"""The protocol of backends. All verbs are idempotent. Removing does nothing if the thing doesn't exist."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from addonkit.models.compute import Disk, DiskSpace, ExecResult, FoundProgram, Pool, PoolState, Program
from addonkit.models.definition import AddonDefinition

if TYPE_CHECKING:
    from addonkit.models.health import Asked, Health


class Backend(Protocol):
    """Runs pools, keeps disks. Knows nothing of the store: callers record what it returns.

    An entry point of the group `addonkit.backends` names what makes one, called as
    `make(home, environ=environ)`: the directory of the home, and the environment to read settings from.

    Attributes:
        name: of the entry point; pools remember it.
        runs_images: whether pools run from container images, so that a registry says which versions there are.
            Otherwise they run programs that are found here.
    """

    name: str
    runs_images: bool

    def find_programs(self, definition: AddonDefinition) -> tuple[FoundProgram, ...]:
        """Return what this backend can run of an addon's server, newest version first.

        Blocking (it runs `--version`); answers are remembered. Empty when the addon has no program, or
        this backend needs none.
        """
        ...

    def runnable_version(self, definition: AddonDefinition, requested: str) -> str:
        """Return the version that a request means here.

        `requested` empty means the default version if it can be run, else the newest found. A full image
        reference is judged by its tag.

        Raises:
            UnknownVersion: naming the versions found.
        """
        ...

    async def ensure_disk(self, disk: Disk) -> None:
        """Make the disk if it is not there; its contents are never touched."""
        ...

    async def disk_usage(self, name: str) -> int:
        """Return the bytes that the data on a disk take; 0 for one that does not exist."""
        ...

    async def delete_disk(self, name: str) -> None:
        """Remove the disk and all data on it."""
        ...

    async def place(self, pool: Pool) -> Pool:
        """Give the pool its host and port numbers if it has none; the same pool back otherwise.

        Raises:
            NoFreePort: when the range is exhausted.
        """
        ...

    async def ensure_running(
        self, pool: Pool, *, wanted: Callable[[], Awaitable[bool]] | None = None, only: int | None = None
    ) -> PoolState:
        """Start what should run and does not; returns without waiting for readiness.

        With zero desired instances: stop what runs; with `only`, a pid, no other copy than that. Two processes doing
        this at once start one server. `wanted` is asked while no other process can start, stop or remove the pool; when
        it says no, nothing is done.

        Raises:
            PoolCrashed: when its disk cannot be prepared, it cannot be launched, or it ended too often lately.
        """
        ...

    async def observe(self, pool: Pool) -> PoolState:
        """Return what runs, whether it is ready, and how it ended if it did."""
        ...

    async def ask(self, watched: Sequence[tuple[Pool, PoolState]]) -> Sequence[Asked]:
        """Ask copies that `observe` has seen ready once, and look at nothing else, so it is cheap.

        Each comes with the state that `observe` answered then. The answers have the same order; a copy has at least
        a tenth of a second.
        """
        ...

    async def examine(self, pool: Pool, state: PoolState) -> Health:
        """Tell a copy that hangs from one that is busy, within about a second. `state` is what `observe` answered."""
        ...

    async def write_files(self, pool: Pool) -> None:
        """Write the files of the pool's program again while its server runs, such as another certificate.

        Those of `File.once` that are there stay. The server reads them when the addon asks it to.

        Raises:
            ComputeError: one cannot be written.
        """
        ...

    async def remove(self, name: str, program: Program | None = None) -> None:
        """Stop the pool the way `program` says and forget it: runtime files, log, ports. Disks stay."""
        ...

    async def exec_in_pool(self, pool: Pool, argv: Sequence[str], env: Mapping[str, str], timeout: float) -> ExecResult:
        """Run a command beside the server, with its executables on PATH and `{port}`, `{disk}` filled in."""
        ...

    def pipe_in_pool(
        self, pool: Pool, argv: Sequence[str], env: Mapping[str, str], content: AsyncIterable[bytes] | None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Run a command as `exec_in_pool` does, stream `content` into it and give its output as it comes.

        `{scratch}` in `argv` becomes the path of an empty private folder. It is removed when the command has ended,
        also when that, or this process, was killed.

        Raises:
            CommandFailed: at the end of the block, when the command ends with another status than 0.
        """
        ...

    async def newer_program(self, pool: Pool, state: PoolState) -> str:
        """Return the version that a restart would take, when the server runs another program than is installed now.

        `state` is what `observe` has just answered.

        Empty when it runs that program, does not run, or cannot be looked at.
        """
        ...

    def log_path(self, name: str) -> str:
        """Return path of the pool's log, for reading; the file may not exist."""
        ...

    def socket_path(self, pool: Pool) -> str:
        """Return path of the Unix socket of the pool's server, which need not run now; empty when it makes none."""
        ...

    async def close(self) -> None:
        """Give back what this process holds. Servers keep running."""
        ...

    async def pools_here(self) -> tuple[str, ...]:
        """Return names of pools this backend has anything of: runtime files or processes."""
        ...

    async def disks_here(self) -> tuple[str, ...]:
        """Return names of disks this backend has."""
        ...

    async def space(self) -> DiskSpace | None:
        """Return the room where data of servers are; None where that is not known."""
        ...
