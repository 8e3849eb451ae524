"""Writes the query that digests the rows of a table, whatever their order. Pure.

A row's hash is a chain: all short values first, as one text, then each long value. It says everything about the row, in
64 bits. A long value is hashed as the server keeps it: to make the whole row a text takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

_ROWS: Final = """
    SELECT count(*) AS count, coalesce(sum({hash}), 0)::text AS digest FROM ONLY {table} AS addonkit_row
"""
"""Sums do not depend on the order of rows, and the planner divides these among processes."""

_LONG: Final = {
    17: "textin(byteaout({}))",
    25: '{} COLLATE "C"',
    114: "textin(json_out({}))",
    1043: '{} COLLATE "C"',
    3802: "textin(jsonb_out({}))",
}
"""The text of types that may be long, by their ids in pg_type: bytea, text, json, varchar and jsonb."""

_MOST_LONG: Final = 50
"""Links of a chain at most: a statement must not become too deep. A ROW has 1,664 values at most, and a table 1,600."""


@attrs.frozen
class Column:
    """A column of a table.

    Attributes:
        name: as SQL needs it.
        type: id in pg_type.
    """

    name: str
    type: int


def digest_query(table: str, columns: Sequence[Column]) -> str:
    """Return the query for `count` and `digest` of a table, whose name is as SQL needs it.

    An app may give a listed column another type meanwhile, with a cast of its own to text. So the query checks the type
    of each long value first. It does not touch one of another type, and the digest then fits no other.
    """
    long = [each for each in columns if each.type in _LONG][:_MOST_LONG]
    short = [f"addonkit_row.{each.name}" for each in columns if each not in long]
    absent = [f"addonkit_row.{each.name} IS NULL" for each in long]
    hash_ = f"hashtextextended(textin(record_out(ROW({', '.join((*short, *absent))}))), 0)"
    for each in long:
        hash_ = _linked(each, hash_)
    return _ROWS.format(hash=hash_, table=table)


def _linked(column: Column, before: str) -> str:
    value = f"addonkit_row.{column.name}"
    text = f"coalesce({_LONG[column.type].format(value)}, '')"
    return f"CASE WHEN pg_typeof({value}) = {column.type}::oid THEN hashtextextended({text}, {before}) END"
