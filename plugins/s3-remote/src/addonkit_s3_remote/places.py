"""A place of an instance: a bucket, or one folder of it. Values only."""

from __future__ import annotations

import attrs

from addonkit import Instance


@attrs.frozen
class Place:
    """A bucket, or one folder of it."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"bucket {self.bucket}/{self.prefix}" if self.prefix else f"bucket {self.bucket}"


def place_of(instance: Instance) -> Place:
    """Return the place of an instance that was made."""
    return Place(instance.attributes["bucket"], instance.attributes["prefix"])
