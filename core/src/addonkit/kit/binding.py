"""The result of creating or attaching an addon."""

from __future__ import annotations

from addonkit.controller.naming import moved_from_plain
from addonkit.models.address import Address
from addonkit.models.instance import Association, Instance
from addonkit.models.variable import Variable, VariableMove
from addonkit.util.values import frozen


@frozen
class Binding:
    """An instance tied to an app.

    Attributes:
        instance: as it is now.
        association: the tie; its variables are there once it is active.
        new_app: whether the app was made by this.
        joined: whether an unfinished one was found and completed.
        existed: whether the same request had made it before; nothing was changed.
        address: of its server; None when it has none here.
        has_shell: whether `addonkit shell` opens a program to work with it.
    """

    instance: Instance
    association: Association
    new_app: bool = False
    joined: bool = False
    existed: bool = False
    address: Address | None = None
    has_shell: bool = False

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Return what the app receives, under the names it sees."""
        return self.association.variables

    @property
    def moves(self) -> tuple[VariableMove, ...]:
        """Variables that do not have their plain names, and why; empty when the user named the set."""
        return moved_from_plain(self.association)

    @property
    def url(self) -> str:
        """The first variable whose name ends in `_URL`, in clear; empty when there is none."""
        return next((v.text for v in self.variables if v.key.endswith("_URL")), "")

    def environ(self) -> dict[str, str]:
        """Return names to values in clear, for a child's environment."""
        return {variable.key: variable.text for variable in self.variables}
