"""Reports progress: a step receives it as `progress`, and shows sentences to the user while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from addonkit.errors import AddonkitError


class ProgressReporter:
    """Takes sentences at any time, from any thread, and journals them in order without keeping the step waiting.

    Args:
        write: journals sentences. What it cannot journal is dropped: no step fails for a remark.
    """

    def __init__(self, write: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        self._write = write
        self._texts: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def __call__(self, text: str) -> None:
        """Show a sentence. After the step has ended nothing happens."""
        if not self._closed:
            self._texts.append(str(text))
            self._loop.call_soon_threadsafe(self._wake)

    async def close(self) -> None:
        """Return when everything is journaled; nothing is taken any more."""
        self._closed = True
        self._wake()
        if self._task is not None:
            await self._task

    def _wake(self) -> None:
        if self._texts and (self._task is None or self._task.done()):
            self._task = self._loop.create_task(self._flush())

    async def _flush(self) -> None:
        while self._texts:
            texts, self._texts = self._texts, []
            try:
                await self._write(texts)
            except AddonkitError:
                return
