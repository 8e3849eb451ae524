"""Judges failures: whether the cause may pass, and one line about it without secrets. Pure functions."""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, quote_plus

import attrs

from addonkit.errors import AddonkitError, NothingDone, Retryable, SagaError, SagaFailed
from addonkit.models.secret import ALPHABET, HIDDEN, Secret

_PASSING: Final = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTUNREACH})

_REFUSED: Final = ("connection refused", "connection reset", "connect call failed", "no servers available")
"""What drivers say, in small letters, when nothing listens or a server is about to go."""

SHORTEST_HIDDEN: Final = 4
"""Characters of the shortest secret that is looked for: a shorter one is found in any text, and its absence
would give it away."""

_PLAIN: Final = frozenset({str, int, float, bool, type(None), datetime})
"""Types of values that hold no secret."""

_UNCHANGED: Final = frozenset(ALPHABET)
"""Characters that look the same in a URL."""

LONGEST_LINE: Final = 2_000
"""Characters kept of what an exception says."""


def is_transient(error: BaseException) -> bool:
    """Return whether the cause may pass: marked Retryable, a time-out, a refused or reset connection.

    A cause that is transient makes what was raised from it, or while it was handled, transient; a group is when all
    its members are; the failure of another execution is when that one's was. Drivers have errors of their own for a
    refused connection, which are known by what they say.
    """
    if isinstance(error, SagaFailed):
        return bool(error.details.get("transient"))
    if isinstance(error, BaseExceptionGroup):
        return all(is_transient(each) for each in error.exceptions)
    if isinstance(error, Retryable | TimeoutError | ConnectionError):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING:
        return True
    if not isinstance(error, AddonkitError) and any(words in _said(error).lower() for words in _REFUSED):
        return True
    former = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return former is not None and is_transient(former)


def did_nothing(error: BaseException) -> bool:
    """Return whether a step says that it had no effect; a group does when all its members do."""
    if isinstance(error, BaseExceptionGroup):
        return all(did_nothing(each) for each in error.exceptions)
    return isinstance(error, NothingDone)


def is_worth_another_try(error: BaseException) -> bool:
    """Return whether to try the step again: not when an execution it waited for has ended, for that stays as it is."""
    return is_transient(error) and not isinstance(error, SagaError)


def describe(error: BaseException, hidden: Collection[str] = ()) -> str:
    """Return one line about an error, the texts to hide replaced by `***`."""
    line = " ".join(scrub(_text(error), hidden).split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def scrub(text: str, hidden: Collection[str]) -> str:
    """Return the text with everything to hide replaced by `***`, longest first: a secret may contain another one."""
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def mentions(error: BaseException, hidden: Collection[str]) -> bool:
    """Return whether a trace of this error, its causes and members included, would show something to hide."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        shown = f"{_said(each)} {each.args!r} {getattr(each, '__notes__', '')}"
        if any(secret in shown for secret in hidden):
            return True
        members = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        pending += [each.__cause__, each.__context__, *members]
    return False


def secrets_in(value: Any) -> frozenset[str]:
    """Return the clear texts of all secrets in a value: as they are, and as parts of a URL."""
    found: set[str] = set()
    pending = [value]
    while pending:
        each = pending.pop()
        kind = type(each)
        if kind in _PLAIN:
            continue
        if isinstance(each, Secret):
            found.update(_forms(each.reveal()))
        elif isinstance(each, Mapping):
            pending.extend(each.values())
        elif isinstance(each, list | tuple | set | frozenset):
            pending.extend(each)
        elif attrs.has(kind):
            pending.extend([getattr(each, field.name, None) for field in attrs.fields(kind)])
    return frozenset(found)


def _forms(text: str) -> tuple[str, ...]:
    """Return how a secret may look where it is shown; none where it is too short to be looked for."""
    if len(text) < SHORTEST_HIDDEN:
        return ()
    if _UNCHANGED.issuperset(text):
        return (text,)
    return text, quote(text), quote(text, safe=""), quote_plus(text)


def _text(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(_text(each) for each in error.exceptions))
    said = _said(error)
    if isinstance(error, AddonkitError):
        return said
    if isinstance(error, TimeoutError):
        return said or "it took too long"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - an exception that cannot say itself is a failure as any other
        return f"cannot be shown ({type(broken).__name__})"
