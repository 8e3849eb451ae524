"""A file that holds the variables of an app, and changes with them."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

BINDINGS: Final = "bindings"
"""The format that is a directory, see `controller.bindings`."""


@attrs.frozen
class EnvironmentFile:
    """What is remembered of it; its text is made anew each time.

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
