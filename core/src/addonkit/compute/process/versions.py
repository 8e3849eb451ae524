"""Versions of programs: whether one satisfies a request, and which is newer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from addonkit.models.image_reference import ImageReference

_SERIES: Final = 2
"""Numbers of a version that name its series: `8.1` of `8.1.4`."""


def matches(version: str, wanted: str) -> bool:
    """Return whether a version has the wanted one's components in front: `18.6` satisfies `18` and `18.6`."""
    parts, prefix = version.split("."), wanted.split(".")
    return parts[: len(prefix)] == prefix


def version_key(version: str) -> tuple[int, ...]:
    """Return a key that sorts newer versions later."""
    return tuple(map(int, filter(str.isdigit, version.split("."))))


def is_recent(version: str, oldest: Sequence[str]) -> bool:
    """Return whether a version is as new as the oldest of its series, or of a newer series; any is without `oldest`."""
    floors = {version_key(floor)[:_SERIES]: version_key(floor) for floor in oldest}
    key = version_key(version)
    if not floors or key[:_SERIES] > max(floors):
        return True
    floor = floors.get(key[:_SERIES])
    return floor is not None and key >= floor


def requested_version(requested: str) -> str:
    """Return the version a request names: itself, or the tag of a full image reference."""
    if any(sign in requested for sign in "/:@"):
        return ImageReference.parse(requested).tag
    return requested


def shorten(version: str, like: str) -> str:
    """Return the version with as many components as another one has: `15.18` like `18` is `15`. At least one.

    A server that is pinned to it is not lost when its program gets a minor upgrade.
    """
    return ".".join(version.split(".")[: len(like.split("."))])


def describe(versions: Sequence[str]) -> str:
    """Return versions for an error message."""
    return ", ".join(dict.fromkeys(versions)) or "none"
