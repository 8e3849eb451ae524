"""Tables and blocks for people: plain text as wide as the terminal, in colour only on one."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from addonkit.cli.streams import clean, is_terminal
from addonkit.util.stdout import results

Rows = Sequence[Sequence[str]]

WIDTH: Final = 80
"""Columns of output that no terminal shows."""

GAP: Final = 2
"""Blanks between columns."""

_FIRST: Final = 2
"""Columns that always stand beside each other."""

_TALL: Final = 3
"""Lines that a cell is wrapped into at most, where columns can stand below instead."""

_COLOURS: Final = {"green": "32", "yellow": "33", "red": "31"}

_STYLES: Final = {
    "active": "green",
    "running": "green",
    "completed": "green",
    "ok": "green",
    "error": "red",
    "broken": "red",
    "blocked": "red",
    "crashed": "red",
    "failed": "red",
    "conflict": "red",
    "incompatible": "red",
    "pending": "yellow",
    "provisioning": "yellow",
    "deprovisioning": "yellow",
    "undoing": "yellow",
}
"""Colours of states, on a terminal."""


def width() -> int:
    """Return the columns there are: of the terminal, else WIDTH."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if is_terminal(results()) else WIDTH


def table(headers: Sequence[str], rows: Rows) -> str:
    """Return aligned columns, two blanks apart; cells are cleaned of control characters.

    Where that is wider than the terminal, cells are wrapped between words; where that is not enough, the last
    columns stand below each row under their names. No word is cut: names and addresses stay whole.
    """
    cells = [tuple(clean(cell) for cell in row) for row in rows]
    below: list[int] = []
    columns = [*range(len(headers))]
    while len(columns) > _FIRST and not _fits(headers, cells, columns):
        below.insert(0, columns.pop())
    widths = _widths(headers, cells, columns)
    lines = [_join([headers[c] for c in columns], widths, "1")]
    for row in cells:
        lines += _wrapped([row[c] for c in columns], widths)
        lines += _below({headers[c]: row[c] for c in below if row[c] not in {"", "-"}})
    return "\n".join(lines)


def block(fields: Mapping[str, str]) -> str:
    """Return `name: value` lines, values aligned; empty ones are left out."""
    kept = {name: clean(value) for name, value in fields.items() if value}
    widest = max((len(name) for name in kept), default=0) + 1
    return "\n".join(f"{name + ':':<{widest}} {value}" for name, value in kept.items())


def wrap(text: str, indent: str = "  ") -> str:
    """Return a line as several that fit; later ones are indented. No word is cut."""
    return "\n".join(
        textwrap.wrap(text, width(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    )


def _below(cells: Mapping[str, str]) -> list[str]:
    """Return lines below a row for the columns that have no place in it."""
    text = "; ".join(f"{header}: {cell}" for header, cell in cells.items())
    return textwrap.wrap(
        text, width(), initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _fits(headers: Sequence[str], rows: Rows, columns: Sequence[int]) -> bool:
    """Return whether rows of these columns fit the terminal, and no cell is wrapped into many lines."""
    widths = _widths(headers, rows, columns)
    if sum(widths) + GAP * (len(widths) - 1) > width():
        return False
    return all(len(_lines(row[c], limit)) <= _TALL for row in rows for c, limit in zip(columns, widths, strict=True))


def _widths(headers: Sequence[str], rows: Rows, columns: Sequence[int]) -> list[int]:
    """Return the width of each column: its widest cell, the widest ones less until all fit."""
    widths = [max(len(row[c]) for row in (headers, *rows)) for c in columns]
    least = [max((len(w) for r in (headers, *rows) for w in r[c].split()), default=0) for c in columns]
    while sum(widths) + GAP * (len(widths) - 1) > width():
        able = [n for n in range(len(widths)) if widths[n] > least[n]]
        if not able:
            break
        widths[max(able, key=lambda n: widths[n])] -= 1
    return widths


def _wrapped(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    parts = [_lines(cell, limit) for cell, limit in zip(cells, widths, strict=True)]
    height = max(len(part) for part in parts)
    return [_join([part[n] if n < len(part) else "" for part in parts], widths) for n in range(height)]


def _lines(cell: str, limit: int) -> list[str]:
    if len(cell) <= limit:
        return [cell]
    return textwrap.wrap(cell, limit, break_long_words=False, break_on_hyphens=False)


def _join(cells: Sequence[str], widths: Sequence[int], style: str = "") -> str:
    coloured = is_terminal(results()) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    shown = []
    for number, (cell, limit) in enumerate(zip(cells, widths, strict=True)):
        padded = f"{cell:<{limit}}" if number + 1 < len(cells) else cell
        code = style or _COLOURS.get(_STYLES.get(cell, ""), "")
        shown.append(f"\x1b[{code}m{padded}\x1b[0m" if coloured and code and cell else padded)
    return (" " * GAP).join(shown).rstrip()
