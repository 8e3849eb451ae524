"""Counts what a dump holds, read from the SQL that `pg_dump` and `pg_restore` write: objects, rows, sequences. Pure.

It is compared with what came of it: a program that loads a dump may leave something out and still end with status 0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Final

from addonkit_postgresql.plain_sql import PlainSql

_ENTRY: Final = re.compile(rb"-- Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: ")
_SETVAL: Final = re.compile(rb"SELECT pg_catalog\.setval\('((?:[^']|'')*)', (-?\d+), (true|false)\);")
_LARGE_OBJECT: Final = re.compile(rb"SELECT pg_catalog\.lo_open\('(\d+)'")

_KINDS: Final = frozenset(
    {
        *("AGGREGATE", "CAST", "CHECK CONSTRAINT", "COLLATION", "CONSTRAINT", "DEFAULT", "DOMAIN", "EVENT TRIGGER"),
        *("EXTENSION", "FK CONSTRAINT", "FOREIGN TABLE", "FUNCTION", "INDEX", "MATERIALIZED VIEW", "OPERATOR"),
        *("POLICY", "PROCEDURE", "RULE", "SCHEMA", "SEQUENCE", "STATISTICS", "TABLE", "TRIGGER", "TYPE", "VIEW"),
    }
)
"""Kinds that dumps of all versions have, under the same names."""

_EVERYWHERE: Final = frozenset({("SCHEMA", "-", "public"), ("EXTENSION", "-", "plpgsql")})

Entry = tuple[str, str, str]
"""Kind, schema and name of an object."""


class Inventory:
    """Takes the lines of a dump as SQL.

    Attributes:
        objects: that it creates.
        rows: how many it copies, by the table's name as SQL has it.
        sequences: their values, and whether those were used, by name.
        large_objects: how many it writes.
    """

    def __init__(self) -> None:
        self.objects: set[Entry] = set()
        self.rows: Counter[str] = Counter()
        self.sequences: dict[str, tuple[int, bool]] = {}
        self.large_objects = 0
        self._sql = PlainSql(self)

    async def read(self, text: AsyncIterator[bytes]) -> None:
        """Take all that a program writes."""
        rest = b""
        async for chunk in text:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._sql.take(line + b"\n")

    def take_statement(self, line: bytes) -> None:
        """Take a line that no statement was begun before."""
        if entry := _ENTRY.match(line):
            name, kind, schema = (each.decode(errors="replace") for each in entry.groups())
            if kind in _KINDS and (kind, schema, name) not in _EVERYWHERE:
                self.objects.add((kind, schema, name))
        elif value := _SETVAL.match(line):
            name = value[1].replace(b"''", b"'").decode(errors="replace")
            self.sequences[name] = int(value[2]), value[3] == b"true"
        elif _LARGE_OBJECT.match(line):
            self.large_objects += 1

    def take_table(self, name: bytes) -> str:
        """Take a table whose rows follow; its name."""
        table = name.decode(errors="replace")
        self.rows[table] += 0
        return table

    def differences(
        self,
        objects: Collection[Entry],
        rows: Mapping[str, int],
        sequences: Mapping[str, tuple[int, bool]],
        large_objects: int,
    ) -> tuple[str, ...]:
        """Return what did not arrive, a sentence each; what is there besides is no difference."""
        return tuple(self._differences(objects, rows, sequences, large_objects))

    def _differences(
        self,
        objects: Collection[Entry],
        rows: Mapping[str, int],
        sequences: Mapping[str, tuple[int, bool]],
        large_objects: int,
    ) -> Iterator[str]:
        for kind, schema, name in sorted(self.objects - set(objects)):
            yield f"{kind.lower()} {name if schema == '-' else f'{schema}.{name}'} is missing"
        for table, count in sorted(self.rows.items()):
            if table in rows and rows[table] != count:
                yield f"table {table}: {rows[table]:,} rows instead of {count:,}"
            elif table not in rows and count:
                yield f"table {table} is missing, with {count:,} rows"
        for name, value in sorted(self.sequences.items()):
            if name in sequences and sequences[name] != value:
                yield f"sequence {name}: {_described(sequences[name], value)}"
        if large_objects < self.large_objects:
            yield f"{large_objects:,} large objects instead of {self.large_objects:,}"


def _described(found: tuple[int, bool], value: tuple[int, bool]) -> str:
    """Return how two values of a sequence differ: as numbers, or in whether the number was given out."""
    (number, used), (wanted, _) = found, value
    if number != wanted:
        return f"{number:,} instead of {wanted:,}"
    was, should = ("given out already", "still to come") if used else ("still to come", "given out already")
    return f"{number:,} is {was} instead of {should}"
