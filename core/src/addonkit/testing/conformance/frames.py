"""Finds where in an author's own code something happens."""

from __future__ import annotations

import linecache
from types import FrameType


def place_in(package: str, frame: FrameType | None) -> str:
    """Return the innermost line of a package on a stack; empty when none is on it, or when it imports something."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return ""
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            return line_of(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return ""


def line_of(file: str, line: int, function: str) -> str:
    """Return a line of code with where it is."""
    return f"{file}:{line} in {function}: {linecache.getline(file, line).strip()}"
