"""Renders environment files for people and programs. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.cli.render.json import Json
from addonkit.cli.render.table import table

if TYPE_CHECKING:
    from addonkit.models.app import EnvironmentFile


def files_json(found: Sequence[EnvironmentFile]) -> Json:
    """Return all of them."""
    files = [
        {"file": each.path, "app": each.app, "format": each.format, "problem": each.problem or None} for each in found
    ]
    return {"files": files}


def files_text(found: Sequence[EnvironmentFile]) -> str:
    """Return a table of them."""
    if not found:
        return "no file follows variables; `addonkit env -a APP --format dotenv --reveal -o FILE --follow` makes one"
    rows = [(each.app, each.format, each.problem or "ok", each.path) for each in found]
    return table(("APP", "FORMAT", "STATE", "FILE"), rows)
