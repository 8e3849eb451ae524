"""The addon spec a user types: `name[:variant]`. Parse and print are inverses."""

from __future__ import annotations

import attrs

from addonkit.errors import InvalidReference


@attrs.frozen
class AddonSpec:
    """An addon and, when one was named, its variant.

    Attributes:
        addon: not empty, without `:`.
        variant: None means the addon's default; anything after the first colon otherwise.
    """

    addon: str
    variant: str | None = None

    @classmethod
    def parse(cls, text: str) -> AddonSpec:
        """Read `name[:variant]`; the name ends at the first colon.

        Raises:
            InvalidReference: when there are surrounding blanks, or no name.
        """
        if text != text.strip():
            raise InvalidReference(f"cannot read addon {text!r}", "it has surrounding blanks", "leave them out")
        addon, colon, variant = text.partition(":")
        if not addon:
            raise InvalidReference(f"cannot read addon {text!r}", "it has no name", "write it as name[:variant]")
        return cls(addon, variant if colon else None)

    def __str__(self) -> str:
        return self.addon if self.variant is None else f"{self.addon}:{self.variant}"
