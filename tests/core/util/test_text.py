"""Of what a program writes the line is shown that says what failed."""

from __future__ import annotations

import pytest

from addonkit.util.text import error_line

OF_A_RESTORE = """\
pg_restore: error: could not execute query: ERROR:  role "shop" does not exist
Command was: CREATE POLICY mine ON orders TO shop USING ((id IN ( SELECT shop.id
   FROM shop)));
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OF_A_RESTORE, 'pg_restore: error: could not execute query: ERROR:  role "shop" does not exist'),
        ("reading\nShort read or OOM loading DB.\n\n", "Short read or OOM loading DB."),
        ("psql: FATAL: no\nhint", "psql: FATAL: no"),
        ("", "no message"),
        (" \n", "no message"),
    ],
)
def test_the_line_that_tells_the_error_is_shown(text: str, expected: str) -> None:
    assert error_line(text) == expected
