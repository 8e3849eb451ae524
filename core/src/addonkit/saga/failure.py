"""What a failure means: whether its cause may pass, and one line about it without secrets. Pure functions."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from addonkit.errors import AddonkitError, Retryable
from addonkit.models.secret import Secret

_PASSING: Final = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTUNREACH})
_SHORTEST: Final = 4


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: marked Retryable, a time-out, a refused or reset connection.

    A cause that is transient makes what was raised from it transient; a group is when all its members are.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(is_transient(each) for each in error.exceptions)
    if isinstance(error, Retryable | TimeoutError | ConnectionError):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING:
        return True
    return error.__cause__ is not None and is_transient(error.__cause__)


def describe(error: BaseException, *trees: Any) -> str:
    """One line about an error, with every secret that the given trees hold replaced by `***`."""
    if isinstance(error, AddonkitError):
        text = str(error)
    elif isinstance(error, TimeoutError) and not str(error):
        text = "it took too long"
    else:
        text = f"{type(error).__name__}: {error}"
    text = " ".join(text.split())
    # Longest first: a secret may contain another one.
    for secret in sorted(set(secrets_in(trees)), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def secrets_in(tree: Any) -> Iterator[str]:
    """The clear text of every secret in a tree of values."""
    if isinstance(tree, Secret):
        if len(tree.reveal()) >= _SHORTEST:
            yield tree.reveal()
    elif isinstance(tree, Mapping):
        yield from secrets_in(tree.values())
    elif isinstance(tree, Iterable) and not isinstance(tree, str | bytes):
        for each in tree:
            yield from secrets_in(each)
