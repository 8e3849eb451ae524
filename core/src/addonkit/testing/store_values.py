"""Values that the suites of stores keep."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from addonkit.models.secret import Secret


class Color(StrEnum):
    """The colours that notes are listed by."""

    RED = "red"
    GREEN = "green"


@attrs.frozen
class Note:
    """Something of everything that values are made of."""

    kind: ClassVar[str] = "note"
    indexed: ClassVar[tuple[str, ...]] = ("color", "shelf", "author")

    text: str = ""
    color: Color = Color.RED
    shelf: int = 0
    author: str | None = None
    password: str | Secret = ""
    tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class Counter:
    """A number, of another kind than notes."""

    kind: ClassVar[str] = "counter"
    indexed: ClassVar[tuple[str, ...]] = ()

    count: int = 0


@attrs.frozen
class Vault:
    """A value that no store may keep: what is indexed stands in clear."""

    kind: ClassVar[str] = "vault"
    indexed: ClassVar[tuple[str, ...]] = ("password",)

    password: Secret
