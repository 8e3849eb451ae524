"""Blocking work that is never left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from addonkit.util.concurrency import uninterrupted

P = ParamSpec("P")
R = TypeVar("R")


async def finish(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function on a thread; when the caller is cancelled, that takes effect after the function has returned."""
    return await uninterrupted(asyncio.to_thread(function, *args, **kwargs))
