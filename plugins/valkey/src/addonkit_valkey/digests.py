"""Digests of keys and their values that do not depend on how a server holds them; and parts made of them. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import attrs

from addonkit import Part, SetDigest

FOREVER: Final = -1
"""Expiry of what does not expire."""

_HOUR: Final = 3_600_000
_GROUPS: Final = 1_000
"""Groups of keys that expire; so many, however far apart they do."""

_LATEST: Final = 253_402_300_000_000
"""Milliseconds of the last day that a date can be."""

_OF_SERVER: Final = frozenset({b"radix-tree-keys", b"radix-tree-nodes", b"lag", b"iid", b"active-time"})
"""What a stream, a group and a consumer say of themselves that is no data, or that servers before 7.2 do not say."""


@attrs.frozen
class Value:
    """A key as the server gave it.

    Attributes:
        key: without the prefix of an app.
        type: the server's word.
        expires: milliseconds since 1970, or FOREVER.
        content: what the command answered that reads this type; the dump itself for types of modules.
        fields: expiries of the fields of a hash, in order; empty when none expires.
    """

    key: bytes
    type: bytes
    expires: int
    content: Any
    fields: Sequence[int] = ()


def items(value: Value) -> Iterator[tuple[int, bytes]]:
    """Yield what of a value is compared, each with its expiry. Fields that expire are items of their own."""
    kind, key = value.type, value.key
    if kind == b"hash" and value.fields:
        yield from _hash_items(value)
        return
    yield value.expires, packed(kind, key, _number(value.expires), _digest(kind, value.content))


def _hash_items(value: Value) -> Iterator[tuple[int, bytes]]:
    staying = SetDigest()
    for (field, content), expires in zip(_pairs(value.content), value.fields, strict=True):
        if expires < 0:
            staying.add(packed(field, content))
            continue
        ends = expires if value.expires < 0 else min(expires, value.expires)
        yield ends, packed(b"field", value.key, _number(expires), _number(value.expires), field, content)
    if staying.count:
        yield value.expires, packed(b"hash", value.key, _number(value.expires), _sum(staying))


def _digest(kind: bytes, content: Any) -> bytes:
    match kind:
        case b"hash":
            return _unordered(packed(*pair) for pair in _pairs(content))
        case b"zset":
            return _unordered(packed(name, _score(score)) for name, score in _pairs(content))
        case b"set":
            return _unordered(iter(content))
        case b"list":
            return _hashed(packed(part) for part in content)
        case b"stream":
            return hashlib.sha256(_stream(content)).digest()
        case _:
            return hashlib.sha256(content).digest()


def _unordered(parts: Iterator[bytes]) -> bytes:
    digest = SetDigest()
    for each in parts:
        digest.add(each)
    return _sum(digest)


def _hashed(parts: Iterator[bytes]) -> bytes:
    digest = hashlib.sha256()
    for each in parts:
        digest.update(each)
    return digest.digest()


def _stream(content: list[Any]) -> bytes:
    """Return a stream with its groups, their consumers and what these have not acknowledged."""
    told = _told(content)
    groups = [_described(_group(group)) for group in told.pop(b"groups", ())]
    return _described(told) + packed(b"groups", *groups)


def _group(content: list[Any]) -> dict[bytes, Any]:
    told = _told(content)
    told[b"consumers"] = [[part for pair in _told(each).items() for part in pair] for each in told[b"consumers"]]
    return told


def _score(text: bytes) -> bytes:
    """Return a score as the number that it is: servers before 7.2 write 0.1 as 0.10000000000000001."""
    return struct.pack(">d", float(text))


def _told(content: list[Any]) -> dict[bytes, Any]:
    return {name: value for name, value in _pairs(content) if name not in _OF_SERVER}


def _described(told: dict[bytes, Any]) -> bytes:
    return b"".join(packed(name, _nested(told[name])) for name in sorted(told))


def _nested(content: Any) -> bytes:
    if isinstance(content, list):
        return packed(b"list", *map(_nested, content))
    return content if isinstance(content, bytes) else str(content).encode()


def _pairs(content: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    every = iter(content)
    while pair := tuple(islice(every, 2)):
        yield pair[0], pair[1]


def packed(*parts: bytes) -> bytes:
    """Return parts with their lengths, so that no two sequences of parts are the same bytes."""
    return b"".join(b"%d:%b" % (len(each), each) for each in parts)


def _sum(digest: SetDigest) -> bytes:
    return f"{digest.count}/{digest.part('').digest}".encode()


def _number(number: int) -> bytes:
    return b"%d" % number


class DatabaseDigests:
    """Collects what one database holds."""

    def __init__(self, number: int) -> None:
        self._name = f"database {number}"
        self._staying = SetDigest()
        self._expiring: dict[int, tuple[SetDigest, int]] = {}

    def add(self, value: Value) -> None:
        """Take a key."""
        for expires, item in items(value):
            if expires < 0:
                self._staying.add(item)
                continue
            group = expires // _HOUR % _GROUPS
            digest, first = self._expiring.get(group, (SetDigest(), expires))
            digest.add(item)
            self._expiring[group] = digest, min(first, expires)

    def parts(self) -> Iterator[Part]:
        """Yield one part for what stays, one for each group of what expires."""
        if self._staying.count:
            yield self._staying.part(self._name, "keys")
        for group, (digest, first) in sorted(self._expiring.items()):
            until = datetime.fromtimestamp(min(first, _LATEST) / 1000, UTC)
            name = f"{self._name}, keys that expire, group {group}"
            yield attrs.evolve(digest.part(name, "keys"), until=until)
