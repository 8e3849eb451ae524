"""Fails checks: with what was found and what to do about it, and without a secret."""

from __future__ import annotations

import os
import re
import sysconfig
import traceback
from collections.abc import Iterator
from typing import Final, NoReturn

import pytest

import addonkit
from addonkit.engine.failure import is_transient
from addonkit.errors import PoolCrashed, PoolTimeout
from addonkit.testing.conformance.frames import line_of
from addonkit.testing.conformance.secret_tracker import without_secrets

WHAT_TO_DO: Final = "what to do: "

_CORE: Final = tuple(f"{path}{os.sep}" for path in addonkit.__path__)
_STDLIB: Final = sysconfig.get_path("stdlib")

_FRAME: Final = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)

_SLIPS: Final = (AssertionError, AttributeError, LookupError, NameError, TypeError)
"""Exceptions of code that is wrong, rather than of a service that refuses something."""

_MOST_FRAMES: Final = 5

_MOST_LINES: Final = 20
"""Lines of what a program said that are shown."""


def require(condition: object, found: str, advice: str) -> None:
    """Fail the test unless the condition holds."""
    if not condition:
        fail(found, advice)


def fail(found: str, advice: str) -> NoReturn:
    """Fail the test."""
    text = without_secrets(f"{found}\n  {WHAT_TO_DO}{advice}")
    # Nothing but the message: a trace would tell of the kit, and could show what a variable holds.
    raise pytest.fail.Exception(text, pytrace=False) from None


def fail_by(error: BaseException, found: str, advice: str) -> NoReturn:
    """Fail the test because of an exception, with the lines of the author's own code that it came through."""
    root, frames = root_of(error), frames_of(error)
    notes = [line for note in getattr(root, "__notes__", ()) for line in str(note).splitlines()]
    if is_transient(error):
        advice = f"raise TransientError where the service may come back, so that the step is tried again; else {advice}"
    elif isinstance(root, PoolCrashed | PoolTimeout):
        advice = "fix the server as the end of its log says, or `probe` of its Program when it answers otherwise"
    elif notes:
        advice = "fix the reason in the lines that the program said"
    elif frames and (root is not error or isinstance(root, _SLIPS)):
        advice = f"fix what raised {type(root).__name__}, at the last line shown"
    shown = f": {type(root).__name__}: {root}" if root is not error and str(root) not in found else ""
    fail("\n  ".join((found + shown, *notes[-_MOST_LINES:], *frames)), advice)


def frames_of(error: BaseException) -> list[str]:
    """Return where an exception, or what it was raised from, came through the author's code; the innermost last."""
    return [f"at {frame}" for frame in _frames(root_of(error))][-_MOST_FRAMES:]


def frames_in(trace: str) -> list[str]:
    """Return the same of a trace that a command has printed."""
    first = trace.partition("\nThe above exception")[0]
    found = ((each["file"], int(each["line"]), each["function"]) for each in _FRAME.finditer(first))
    return [f"at {line_of(*each)}" for each in found if _is_authors(each[0])][-_MOST_FRAMES:]


def root_of(error: BaseException) -> BaseException:
    """Return the first exception of a chain."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _frames(error: BaseException) -> Iterator[str]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        file, function = frame.f_code.co_filename, frame.f_code.co_name
        if _is_authors(file):
            yield line_of(file, line, function)


def _is_authors(file: str) -> bool:
    return not file.startswith(_CORE) and not (file.startswith(_STDLIB) and "site-packages" not in file)
