"""The core's own answers for an addon without credentials of each association: nothing is done, policies are asked."""

from __future__ import annotations

from typing import Any

from addonkit.hookspecs import hookimpl
from addonkit.saga.saga import Saga


@hookimpl(trylast=True)
def addon_bind() -> Saga[Any]:
    """Return a saga without steps."""
    return Saga("core.bind", steps=[])


@hookimpl(trylast=True)
def addon_unbind() -> Saga[Any]:
    """Return a saga without steps."""
    return Saga("core.unbind", steps=[])
