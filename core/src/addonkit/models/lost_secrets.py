"""The secrets that a home has lost with their key."""

from __future__ import annotations

from typing import ClassVar, Final

from addonkit.util.values import frozen

LOST: Final = "lost"
"""Name of the one record."""


@frozen
class LostSecrets:
    """Secrets that cannot be opened any more; recorded until all that can be made anew is.

    Attributes:
        variables: `app: NAME` of variables that were set by hand.
        settings: `addon: name` of settings.
        backups: whether the key of backups was among them.
        recovered: ids of instances whose credentials are made anew.
    """

    kind: ClassVar[str] = "lost-secrets"
    indexed: ClassVar[tuple[str, ...]] = ()

    variables: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    backups: bool = False
    recovered: tuple[str, ...] = ()
