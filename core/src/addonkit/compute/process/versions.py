"""Versions of programs: whether one satisfies a request, and which is newer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from addonkit.models.image_reference import ImageReference


def matches(version: str, wanted: str) -> bool:
    """Whether a version has the wanted one's components in front: `18.6` satisfies `18` and `18.6`."""
    parts, prefix = version.split("."), wanted.split(".")
    return parts[: len(prefix)] == prefix


def version_key(version: str) -> tuple[int, ...]:
    """A key that sorts newer versions later."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def requested_version(requested: str) -> str:
    """The version a request names: itself, or the tag of a full image reference."""
    if any(sign in requested for sign in "/:@"):
        return ImageReference.parse(requested).tag
    return requested


def shorten(version: str, like: str) -> str:
    """The version with as many components as another one has: `15.18` like `18` is `15`. At least one.

    A server that is pinned to it is not lost when its program gets a minor upgrade.
    """
    return ".".join(version.split(".")[: len(like.split("."))])


def describe(versions: Sequence[str]) -> str:
    """Versions for an error message."""
    return ", ".join(dict.fromkeys(versions)) or "none"
