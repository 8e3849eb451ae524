"""Named points at which tests stop a saga: before a step, after its effect, after its journal entry, in its undo.

    before:<step>    nothing of the step has happened
    after:<step>     its effect has happened, the journal does not know
    journal:<step>   the journal knows
    undo:<step>      the effect of its undo has happened, the journal does not know

A test of one process installs an action with `at`. A test of a whole command sets `ADDONKIT_FAULT` to
`POINT=kill` (SIGKILL to itself), `POINT=raise` or `POINT=sleep:SECONDS`, several separated by commas; it acts
whenever the point is passed. Without the variable and without an action a point costs one look at each.

An exception at a `before` or `after` point is the step's failure; at an `undo` point it is the undo's. At a `journal`
point it leaves the engine as a crash would: the execution stays as it is journaled.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

ENVIRONMENT: Final = "ADDONKIT_FAULT"

Action = Callable[[], Awaitable[None] | None]

_actions: dict[str, Action] = {}


class InjectedFault(Exception):
    """The exception that `POINT=raise` raises."""


async def failpoint(name: str) -> None:
    """Do what a test asked for at this point; nothing otherwise."""
    if not _actions and ENVIRONMENT not in os.environ:
        return
    action = _actions.get(name) or _from_environment(name)
    if action is None:
        return
    waiting = action()
    if waiting is not None:
        await waiting


@contextmanager
def at(name: str, action: Action) -> Iterator[None]:
    """Install an action at a point for the length of the block; it takes the place of one that is there."""
    before = _actions.get(name)
    _actions[name] = action
    try:
        yield
    finally:
        if before is None:
            del _actions[name]
        else:
            _actions[name] = before


def _from_environment(name: str) -> Action | None:
    for entry in os.environ.get(ENVIRONMENT, "").split(","):
        point, _, what = entry.partition("=")
        if point == name:
            return lambda: _do(name, what)
    return None


async def _do(name: str, what: str) -> None:
    word, _, argument = what.partition(":")
    match word:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        case "sleep":
            await asyncio.sleep(float(argument or "1"))
        case "raise":
            raise InjectedFault(f"asked for at {name}")
        case _:
            raise ValueError(f"{ENVIRONMENT} has {what!r} for {name}: use kill, interrupt, raise or sleep:SECONDS")
