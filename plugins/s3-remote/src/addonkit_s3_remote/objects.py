"""Objects as an archive holds them: their names there, what is said about each, what of it is compared. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from addonkit import BackupError, Fingerprint, SetDigest

HEADERS: Final = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")
"""What services keep with an object and give back, under the same names in both directions."""

_MOST_TOLD: Final = 64 * 1024


@attrs.frozen
class Entry:
    """A version of an object that is to be read.

    Attributes:
        key: below the place.
        version: empty for the one that is current.
        size: bytes, when it was listed.
        age: how many versions came before it.
        current: whether it is what is read without naming a version.
    """

    key: str
    version: str
    size: int
    age: int = 0
    current: bool = True


@attrs.frozen
class About:
    """The metadata that come back with the content.

    Attributes:
        key: below the place.
        age: see Entry.
        current: see Entry.
        headers: see HEADERS.
        metadata: of the app.
        tags: of the app.
    """

    key: str
    age: int = 0
    current: bool = True
    headers: Mapping[str, str] = attrs.field(factory=dict)
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    tags: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def member(self) -> str:
        """The name of its content in an archive: the key, where that is a path of files."""
        parts = "/".join(map(_escaped, self.key.split("/")))
        return f"objects/{parts}" if self.current else f"versions/{self.age}/{parts}"

    def to_json(self) -> bytes:
        """As it is written."""
        return json.dumps(attrs.asdict(self), ensure_ascii=False, sort_keys=True).encode()


def about_of(answer: Mapping[str, Any], entry: Entry, tags: Mapping[str, str]) -> About:
    """Return what the answer to a request for the content says about an object."""
    headers = {name: str(answer[name]) for name in HEADERS if answer.get(name)}
    return About(entry.key, entry.age, entry.current, headers, dict(answer.get("Metadata") or {}), tags)


def parse_about(content: bytes, attempted: str) -> About:
    """Read what is said about an object.

    Raises:
        BackupError: it is something else.
    """
    try:
        told = json.loads(content[:_MOST_TOLD])
        about = About(**told)
    except (ValueError, TypeError) as error:
        raise _unreadable(attempted) from error
    if not set(about.headers) <= set(HEADERS):
        raise _unreadable(attempted)
    return about


def _unreadable(attempted: str) -> BackupError:
    return BackupError(attempted, "what the archive says about an object cannot be read")


class Digests:
    """Collects what a place holds."""

    def __init__(self) -> None:
        self._current = SetDigest()
        self._older = SetDigest()
        self._removed = SetDigest()

    def add(self, about: About, size: int, sha256: str) -> None:
        """Take an object."""
        item = b"%d\n%b\n%b" % (size, sha256.encode(), about.to_json())
        (self._current if about.current else self._older).add(item)

    def add_removed(self, key: str) -> None:
        """Take an object that is removed, but has older versions."""
        self._removed.add(key.encode())

    def fingerprint(self) -> Fingerprint:
        """Return what it all is."""
        parts = [self._current.part("objects", "objects")]
        if self._older.count:
            parts.append(self._older.part("older versions", "versions"))
        if self._removed.count:
            parts.append(self._removed.part("removed objects", "objects"))
        return Fingerprint(tuple(parts))


def _escaped(part: str) -> str:
    escaped = part.replace("%", "%25").replace("\0", "%00")
    return {"": "%", ".": "%2E", "..": "%2E%2E"}.get(escaped, escaped)
