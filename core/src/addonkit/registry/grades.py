"""Reads the report of the conformance kit that an addon's distribution brings along. Imports no addon."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from addonkit.util.values import frozen

REPORT: Final = "conformance.json"
"""Name of the report; one in the package of an addon says its grade."""

_LONGEST: Final = 5_000_000
"""Bytes of a report that is read."""


class Grade(StrEnum):
    """The worth of a run of the kit."""

    FULL = "full"
    """Every check that is applicable was tried, and holds."""
    PASSED = "passed"
    """Every check that was tried holds; the addon's client is not written for some."""
    PARTIAL = "partial"
    """Only some checks were to run; they hold."""
    FAILED = "failed"
    """A check does not hold."""


@frozen
class Graded:
    """The head of a report.

    Attributes:
        grade: what the run was worth.
        version: of the addon's distribution that was tried.
        addonkit: version of the core.
        kit: version of the kit.
        backend: on which it was tried.
        servers: versions of the servers.
    """

    grade: Grade
    version: str
    addonkit: str
    kit: int
    backend: str
    servers: tuple[str, ...]


def find_graded(module: str) -> Graded | None:
    """Return what the report in the package of an addon says; None without a report that can be read.

    Args:
        module: of the addon's entry point, `package.module:name`.
    """
    try:
        found = find_spec(module.partition(":")[0].partition(".")[0])
        places = list(found.submodule_search_locations or ()) if found else []
    except (ImportError, ValueError):
        return None
    return next((graded for place in places if (graded := read_graded(Path(place) / REPORT))), None)


def read_graded(path: Path) -> Graded | None:
    """Return the head of a report; None when there is none that can be read."""
    try:
        if path.stat().st_size > _LONGEST:
            return None
        return _graded(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _graded(document: Mapping[str, Any]) -> Graded:
    return Graded(
        Grade(document["grade"]),
        str(document["version"]),
        str(document["addonkit"]),
        int(document["kit"]),
        str(document["backend"]),
        tuple(map(str, document["servers"])),
    )
