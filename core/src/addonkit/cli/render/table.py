"""Tables and blocks for people: plain text, in colour only on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from addonkit.cli.streams import clean, is_terminal
from addonkit.util.stdout import results

Rows = Sequence[Sequence[str]]

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


def table(headers: Sequence[str], rows: Rows) -> str:
    """Aligned columns, two blanks apart; cells are cleaned of control characters."""
    cells = [tuple(clean(cell) for cell in row) for row in rows]
    return _coloured_table(headers, cells) if is_terminal(results()) else _plain_table(headers, cells)


def block(fields: Mapping[str, str]) -> str:
    """`name: value` lines, values aligned; empty ones are left out."""
    kept = {name: clean(value) for name, value in fields.items() if value}
    width = max((len(name) for name in kept), default=0) + 1
    return "\n".join(f"{name + ':':<{width}} {value}" for name, value in kept.items())


def _plain_table(headers: Sequence[str], rows: Rows) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
    lines = ("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) for row in (headers, *rows))
    return "\n".join(line.rstrip() for line in lines)


def _coloured_table(headers: Sequence[str], rows: Rows) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        shown.add_column(header, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console = Console()
    with console.capture() as captured:
        console.print(shown)
    return captured.get().rstrip("\n")
