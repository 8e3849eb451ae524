"""Lets tests of the kit be coroutines without asking anything of the author's own test settings."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import signature
from typing import Any, Final

from addonkit.errors import AddonkitError
from addonkit.testing.conformance.assertions import fail_by

_REPEAT: Final = "let every step be safe to repeat, and take what is its own already for done"


def synchronous(check: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Return a test that runs the coroutine to its end, with an event loop of its own."""

    @wraps(check)
    def test(*arguments: Any, **named: Any) -> None:
        try:
            asyncio.run(check(*arguments, **named))
        except AddonkitError as error:
            fail_by(error, f"it failed: {error}", _REPEAT)
        except Exception as error:  # noqa: BLE001 - a reader must learn where to look, whatever it is
            where = traceback.extract_tb(error.__traceback__)[-1]
            fail_by(
                error,
                f"{type(error).__name__} in {where.name} ({where.filename}:{where.lineno}): {error}",
                "fix that function; when it is not the addon's or its client's, report it to addonkit",
            )

    # Plugins that run coroutines would unwrap it; pytest itself needs the names of the arguments.
    del test.__wrapped__
    test.__signature__ = signature(check)  # type: ignore[attr-defined]  # read by inspect
    return test
