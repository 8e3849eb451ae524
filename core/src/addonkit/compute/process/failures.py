"""Turns a refusal of the system into the failure of one server, never that of a whole command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from addonkit.errors import PoolCrashed


@contextmanager
def as_failure_of(name: str) -> Iterator[None]:
    """Turn errors of the system in the block into a failure of one server.

    Raises:
        PoolCrashed: in place of an OSError or RecursionError.
    """
    try:
        yield
    except (OSError, RecursionError) as error:
        raise PoolCrashed(f"working on server {name}", describe(error), "see `addonkit doctor`") from error


def describe(error: BaseException) -> str:
    """Return what an error of the system says, with the file that it is about."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
