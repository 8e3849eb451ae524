"""Tells whether a distribution accepts this core. Pure.

Most say it as `addonkit>=0.1,<1`: that is compared here. A reader of every other form would cost each command a
hundredth of a second of imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from addonkit.registry.metadata import canonical_name

if TYPE_CHECKING:
    from packaging.markers import Marker

_RELEASE: Final = r"\d+(?:\.\d+)*"
_BOUND: Final = rf"(?:>=|<)\s*{_RELEASE}"
_PLAIN: Final = re.compile(rf"addonkit\s*\(?\s*({_BOUND}(?:\s*,\s*{_BOUND})*)\s*\)?\s*")
_BOUNDS: Final = re.compile(rf"(>=|<)\s*({_RELEASE})")


def refusal_of(requires: Iterable[str], core: str) -> str:
    """Return why a distribution with these requirements does not accept this core; empty when it does."""
    for line in requires:
        if not line.lower().startswith("addonkit") or _accepts_plainly(line, core):
            continue
        found = _refusal(line, core)
        if found:
            return found
    return ""


def _accepts_plainly(line: str, core: str) -> bool:
    """Return whether a plain requirement is met by a core that is a plain release; False where another look is due."""
    match = _PLAIN.fullmatch(line)
    if match is None or re.fullmatch(_RELEASE, core) is None:
        return False
    release = _numbers(core)
    return all((release >= _numbers(bound)) is (sign == ">=") for sign, bound in _BOUNDS.findall(match[1]))


def _numbers(release: str) -> tuple[int, ...]:
    """Return the numbers of a release, without zeros at the end: 1 and 1.0 are equal."""
    numbers = list(map(int, release.split(".")))
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _refusal(line: str, core: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return ""
    if canonical_name(requirement.name) != "addonkit" or not _applies(requirement.marker):
        return ""
    if requirement.specifier.contains(core, prereleases=True):
        return ""
    return f"it needs addonkit {requirement.specifier}, this is {core}"


def _applies(marker: Marker | None) -> bool:
    return marker is None or marker.evaluate({"extra": ""})
