"""Facts that an app may notice of the place that its data are in, besides the data."""

from __future__ import annotations

from addonkit.util.values import frozen


@frozen
class Fact:
    """One thing that another place may have otherwise.

    Attributes:
        name: as users know it, such as `extension hstore`.
        value: such as its version.
        used: whether the instance makes use of it. What is only there is compared with what another place uses.
    """

    name: str
    value: str
    used: bool = True


@frozen
class Facts:
    """Facts of one place; their names are unique."""

    facts: tuple[Fact, ...] = ()

    def missing(self, there: Facts) -> tuple[str, ...]:
        """Return names of what is used here and is not there."""
        names = {each.name for each in there.facts}
        return tuple(each.name for each in self.facts if each.used and each.name not in names)

    def differences(self, there: Facts) -> tuple[str, ...]:
        """Return what is used here and is otherwise there, a clause each."""
        found = {each.name: each.value for each in there.facts}
        return tuple(
            f"{each.name} would be {found[each.name]} instead of {each.value}"
            for each in self.facts
            if each.used and found.get(each.name, each.value) != each.value
        )
