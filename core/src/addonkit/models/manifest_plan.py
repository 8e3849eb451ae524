"""The plan of a manifest: changes in order, and what stands against them."""

from __future__ import annotations

from enum import StrEnum

from attrs import field

from addonkit.models.spec import AddonSpec
from addonkit.util.values import frozen


class Verb(StrEnum):
    """The kinds of changes."""

    CREATE = "create"
    ATTACH = "attach"
    CHANGE = "change"
    UPGRADE = "upgrade"
    CONFIGURE = "configure"
    SET = "set"
    SCHEDULE = "schedule"
    BIND = "bind"
    DETACH = "detach"
    DESTROY = "destroy"
    UNSET = "unset"


@frozen
class Change:
    """One difference between a manifest and what there is.

    Attributes:
        verb: what is done.
        app: for which app.
        subject: name of the addon in the app, or of the variable.
        detail: what is created, attached or destroyed, the variant or version that comes, or which options change; when
            backups are made; the repository and its base branch. Empty for variables, whose values are not shown.
        moves: variables that would have other names, in words.
        gone: `APP: VARIABLE` of those of addons that would be taken away.
        lost: what would be lost for good, in words; empty when nothing is.
        stays: what would stay in the trash or in a former place, in words.
    """

    verb: Verb
    app: str
    subject: str
    detail: str = ""
    moves: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    former: str = field(default="", repr=False)
    """Digest of the value that a variable has now: another one makes another plan. It is not shown."""

    @property
    def variant(self) -> str:
        """The variant that comes; empty when none does."""
        return AddonSpec.parse(self.detail).variant or ""

    @property
    def alias(self) -> str:
        """The name in the app of an addon that is created; empty where it is the addon's own."""
        return "" if AddonSpec.parse(self.detail).addon == self.subject else self.subject


@frozen
class ManifestPlan:
    """The changes that `apply` would make.

    Attributes:
        changes: in order.
        problems: differences that it cannot remove, a sentence each. With one of them nothing is applied.
        kept: what is there and is not in the manifest, a sentence each; `prune` removes it.
    """

    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
