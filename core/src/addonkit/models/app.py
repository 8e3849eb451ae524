"""The app that receives variables, and the variant chosen for an instance, as hooks see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import attrs

from addonkit.models.definition import CONFIG_IMAGE, CONFIG_VERSION
from addonkit.models.variable import Variable
from addonkit.util.values import frozen

BINDINGS: Final = "bindings"
"""The format of an EnvironmentFile that is a directory, see `controller.bindings`."""


@frozen
class Branching:
    """The mark of an app that has other data on each branch of a git repository.

    Attributes:
        git: path of the repository's git directory.
        base: the branch whose data are the app's own.
    """

    git: str
    base: str


@frozen
class BranchOf:
    """The mark of an app that holds the copies of another one for a branch."""

    app: str
    branch: str


@frozen
class App:
    """An application. Made by its first addon or variable.

    Attributes:
        name: see `identifiers.check_app_name`.
        variables: its own, set by hand; they win over addons'.
        branching: see Branching; None for an app whose data are the same everywhere.
        branch_of: see BranchOf; None for an app of its own.
    """

    kind: ClassVar[str] = "app"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    variables: tuple[Variable, ...] = ()
    branching: Branching | None = None
    branch_of: BranchOf | None = None


@frozen
class EnvironmentFile:
    """The record of an environment file; its text is made anew each time.

    Attributes:
        id: never used again.
        app: whose variables it holds; it may be there no more, and come back.
        path: of the file, absolute.
        format: how they are written, see `util.env_formats`; or BINDINGS.
        problem: why it could not be written last; empty when it could.
    """

    kind: ClassVar[str] = "environment-file"
    indexed: ClassVar[tuple[str, ...]] = ("app", "path")

    id: str
    app: str
    path: str
    format: str
    problem: str = ""


class DefaultApp(str):
    """The name of an app that the environment gives, not the user.

    What it does not have is looked for everywhere: the full name of an instance finds it whatever app it belongs to.
    """

    __slots__ = ()


@frozen
class Variant:
    """The variant selected for provisioning.

    Attributes:
        name: of the variant.
        config: a copy of its definition's config, with the resolved image under `CONFIG_IMAGE` and the
            version of the program under `CONFIG_VERSION`.
    """

    name: str
    config: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def image(self) -> str:
        """The resolved image reference; empty when the addon has none."""
        return self.config.get(CONFIG_IMAGE, "")

    @property
    def version(self) -> str:
        """The resolved version of the server; empty when the addon has none."""
        return self.config.get(CONFIG_VERSION, "")
