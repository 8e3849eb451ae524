"""Lets tests of the kit be coroutines without asking anything of the author's own test settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import signature
from typing import Any


def synchronous(check: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that runs the coroutine to its end, with an event loop of its own."""

    @wraps(check)
    def test(*arguments: Any, **named: Any) -> None:
        asyncio.run(check(*arguments, **named))

    # Plugins that run coroutines would unwrap it; pytest itself needs the names of the arguments.
    del test.__wrapped__
    test.__signature__ = signature(check)  # type: ignore[attr-defined]  # read by inspect
    return test
