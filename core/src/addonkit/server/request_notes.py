"""Notes about a request while it is answered; the audit log has them afterwards."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from addonkit.server.access import Principal


@attrs.define
class RequestNotes:
    """One request.

    Attributes:
        id: of the request.
        who: asks; empty for a client that is not known.
        reveals: whether secrets are shown.
        operation: id of the operation that it began; empty without one.
    """

    id: str = attrs.field(factory=lambda: secrets.token_hex(8))
    who: str = ""
    reveals: bool = False
    operation: str = ""


_current: ContextVar[RequestNotes] = ContextVar("request_notes")


def begin() -> RequestNotes:
    """Begin to note what is known of a request, in the task that answers it."""
    found = RequestNotes()
    _current.set(found)
    return found


def current() -> RequestNotes:
    """Return what is noted of the request that this task answers."""
    return _current.get()


def note_who(principal: Principal) -> None:
    """Note who asks."""
    current().who = principal.name


def note_secrets() -> None:
    """Note that secrets are shown."""
    current().reveals = True
