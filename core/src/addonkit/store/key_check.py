"""Checks the key of a home's secrets, so that no other one ever seals a part of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from addonkit.errors import SecretError
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction

NAME: Final = "key"
"""Name of the one record."""


@frozen
class KeyMark:
    """Names the key of a home; see Sealer.key_id, which tells nothing of the key itself."""

    kind: ClassVar[str] = "key-mark"
    indexed: ClassVar[tuple[str, ...]] = ()

    key_id: str


async def check_key(store: Store, key_id: str) -> None:
    """Make sure that the key is the one that the home began with; in a new home it is noted.

    Args:
        store: of the home.
        key_id: of the key that secrets would be sealed with.

    Raises:
        SecretError: when it is another one. Nothing is sealed or opened.
    """
    found = await store.get(KeyMark, NAME)
    began = found.value if found else await store.transact(partial(_begin, key_id))
    if began.key_id != key_id:
        raise SecretError(
            "cannot use this home",
            f"its secrets are sealed with key {began.key_id}, the key here is {key_id}",
            "give the former key, in ADDONKIT_KEY or as the file `key` of the home; "
            "`addonkit rotate --lost` makes new secrets without it",
        )


def _begin(key_id: str, tx: Transaction) -> KeyMark:
    entity = tx.get(KeyMark, NAME)
    return entity.value if entity else tx.create(NAME, KeyMark(key_id)).value
