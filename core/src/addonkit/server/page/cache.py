"""Keeps what takes long to look for, and shows the last answer while it looks again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, Generic, TypeVar

from addonkit.errors import AddonkitError
from addonkit.util.concurrency import end

_log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE: Final = 1.0
"""Seconds that a page waits for it."""


class Cached(Generic[T]):
    """A value that is looked for when it is asked for and has become old.

    Attributes:
        value: as it was found last; None before.
        problem: why it could not be found; empty when it was.

    Args:
        load: looks for it.
        every: seconds until it is old.
    """

    def __init__(self, load: Callable[[], Awaitable[T]], every: float) -> None:
        self.value: T | None = None
        self.problem = ""
        self._load = load
        self._every = every
        self._looked = float("-inf")
        self._version: object = None
        self._task: asyncio.Task[None] | None = None

    async def get(self, version: object = None) -> T | None:
        """Return the value. It is old as well when the version is another one than before."""
        if self._task is None and (version != self._version or monotonic() - self._looked >= self._every):
            self._version = version
            self._task = asyncio.create_task(self._look())
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=PATIENCE)
        return self.value

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            await end(self._task)

    async def _look(self) -> None:
        try:
            self.value, self.problem = await self._load(), ""
        except (AddonkitError, TimeoutError) as error:
            self.problem = str(error)
        except Exception:  # noqa: BLE001 - a bug: its trace is for the log, not for the page
            _log.exception("what the page shows cannot be looked for")
            self.problem = "this is a bug; the log of `addonkit serve` has the rest"
        finally:
            self._looked, self._task = monotonic(), None
