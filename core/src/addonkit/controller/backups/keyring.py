"""The keys of backups: one identity that this home made, those it was given, and the public keys of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from addonkit.archive.encryption import check_recipient, identity_in, new_identity, recipient_of
from addonkit.models.secret import Secret
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction

RECIPIENTS: Final = "ADDONKIT_BACKUP_RECIPIENTS"
"""Variable with further age public keys, separated by commas or spaces: their owners can open backups too."""

_NAME: Final = "backups"


@frozen
class BackupKey:
    """The keys of a home's backups.

    Attributes:
        identity: an age identity, which opens all backups that this home makes.
        others: identities that open backups of other homes.
    """

    kind: ClassVar[str] = "backup_key"
    indexed: ClassVar[tuple[str, ...]] = ()

    identity: Secret
    others: tuple[Secret, ...] = ()


class Keyring:
    """Makes the key when it is needed first.

    Args:
        store: where the identities are, sealed.
        environ: the environment to read recipients from.
    """

    def __init__(self, store: Store, environ: Mapping[str, str]) -> None:
        self._store = store
        self._environ = environ

    async def ensure(self) -> tuple[BackupKey, bool]:
        """Return the key, and whether it was made by this."""
        found = await self._store.get(BackupKey, _NAME)
        if found is not None:
            return found.value, False
        new = BackupKey(Secret(new_identity()))
        kept = await self._store.transact(lambda tx: _kept(tx, new))
        return kept, kept == new

    async def add(self, identity: str) -> None:
        """Keep an identity that opens backups of another home.

        Raises:
            InvalidInput: it is no age identity.
        """
        recipient_of(identity)
        await self.ensure()
        other = Secret(identity_in(identity))

        def decide(tx: Transaction) -> None:
            entity = tx.get(BackupKey, _NAME)
            if entity is not None and other not in (entity.value.identity, *entity.value.others):
                tx.put(entity, attrs.evolve(entity.value, others=(*entity.value.others, other)))

        await self._store.transact(decide)

    async def identities(self) -> tuple[str, ...]:
        """Return all that may open a backup."""
        key, _new = await self.ensure()
        return tuple(each.reveal() for each in (key.identity, *key.others))

    async def recipients(self) -> tuple[str, ...]:
        """Return the public keys that backups are encrypted to, this home's own first.

        Raises:
            InvalidInput: one of those in the environment is no age public key.
        """
        key, _new = await self.ensure()
        named = self._environ.get(RECIPIENTS, "").replace(",", " ").split()
        return (recipient_of(key.identity.reveal()), *map(check_recipient, named))


def _kept(tx: Transaction, new: BackupKey) -> BackupKey:
    entity = tx.get(BackupKey, _NAME)
    return tx.create(_NAME, new).value if entity is None else entity.value
