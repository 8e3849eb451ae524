"""What the backup of a store keeps in mind of keys and values."""

from __future__ import annotations

from addonkit_valkey.digests import FOREVER, DatabaseDigests, Value
from addonkit_valkey.seen import Seen


def test_a_key_is_new_once_also_when_there_are_many() -> None:
    seen, keys = Seen(), [b"key %d" % number for number in range(20_000)]

    assert all(seen.add(key) for key in keys)
    assert not any(seen.add(key) for key in keys)


def digest_of(*values: Value) -> list[object]:
    digests = DatabaseDigests(0)
    for each in values:
        digests.add(each)
    return list(digests.parts())


def test_content_of_what_expires_and_stays_tells_digests_apart() -> None:
    year = 4_000_000_000_000
    hashes = [
        Value(b"key", b"hash", FOREVER, [b"stays", content, b"ends", b"x"], (-1, expires))
        for content, expires in ((b"a", year), (b"b", year), (b"a", year + 1))
    ]
    expiring = [Value(b"key", b"string", expires, content) for content in (b"a", b"b") for expires in (year, year + 1)]
    lists = [Value(b"key", b"list", FOREVER, content) for content in ([b"a", b"b"], [b"b", b"a"], [b"ab"], [])]

    found = [digest_of(each) for each in (*hashes, *expiring, *lists)]

    assert all(one != other for number, one in enumerate(found) for other in found[:number])
