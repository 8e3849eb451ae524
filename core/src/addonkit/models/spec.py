"""The addon spec a user types: `name[:variant]`. Parse and print are inverses."""

from __future__ import annotations

from addonkit.errors import InvalidReference
from addonkit.util.values import frozen


@frozen
class AddonSpec:
    """An addon and, when one was named, its variant. What cannot be printed and read back cannot be made.

    Attributes:
        addon: not empty, without `:`.
        variant: None means the addon's default; anything after the first colon otherwise.

    Raises:
        InvalidReference: when there are surrounding blanks, no name, or a colon in the name.
    """

    addon: str
    variant: str | None = None

    def __attrs_post_init__(self) -> None:
        text = str(self)
        if text != text.strip():
            raise InvalidReference(f"cannot read addon {text!r}", "it has surrounding blanks", "leave them out")
        if not self.addon:
            raise InvalidReference(f"cannot read addon {text!r}", "it has no name", "write it as name[:variant]")
        if ":" in self.addon:
            raise InvalidReference(f"cannot read addon {text!r}", f"name {self.addon!r} has a colon")

    @classmethod
    def parse(cls, text: str) -> AddonSpec:
        """Read `name[:variant]`; the name ends at the first colon.

        Raises:
            InvalidReference: when there are surrounding blanks, or no name.
        """
        addon, colon, variant = text.partition(":")
        return cls(addon, variant if colon else None)

    def __str__(self) -> str:
        return self.addon if self.variant is None else f"{self.addon}:{self.variant}"
