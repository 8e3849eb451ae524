"""What wheels say of themselves: their metadata, and whom they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelhouse.building import PROJECTS


def metadata_of(wheel: Path) -> Metadata:
    """The metadata of a wheel, which must be valid."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Metadata.from_email(archive.read(name), validate=True)


def requirements_of(wheel: Path, *extras: str) -> list[Requirement]:
    """What a wheel requires with these extras."""
    return [each for each in metadata_of(wheel).requires_dist or () if _is_wanted(each, extras)]


def others(requirements: Iterable[Requirement]) -> Iterator[Distribution]:
    """The distributions of others that are required, directly or by those; as they are in this environment."""
    pending = list(requirements)
    seen: set[tuple[str, frozenset[str]]] = set()
    while pending:
        each = pending.pop()
        key = canonicalize_name(each.name), frozenset(each.extras)
        if key in seen or key[0] in PROJECTS:
            continue
        seen.add(key)
        found = distribution(each.name)
        yield found
        lines = (Requirement(line) for line in found.requires or ())
        pending += [line for line in lines if _is_wanted(line, each.extras)]


def _is_wanted(requirement: Requirement, extras: Collection[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))
