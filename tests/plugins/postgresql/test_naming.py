"""Names of databases and roles."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit_postgresql.naming import LONGEST, Reserved, wanted_name


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("shop", "shop"),
        ("my-app", "my_app"),
        ("My.App", "myapp"),
        ("9lives", "a9lives"),
        ("x" * 100, "x" * 63),
        ("日本", "app"),
        ("pg-tools", "apg_tools"),
        ("PG_TOOLS", "apg_tools"),
        ("pg", "apg"),
        ("pgbouncer", "pgbouncer"),
        ("pg-" + "x" * 100, "apg_" + "x" * 59),
    ],
)
def test_a_name_follows_from_the_apps(app: str, name: str) -> None:
    assert wanted_name(app) == name


@given(st.text(max_size=80), st.sampled_from(["", "pg", "pg-", "PG_", "1"]))
def test_every_app_gets_a_legal_name_that_is_not_the_systems_with_any_suffix(text: str, start: str) -> None:
    name = wanted_name(start + text)

    assert re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name)
    for suffix in ("_k3x9ab", "_k3x9abcdef"):
        assert name[: LONGEST - len(suffix)] + suffix not in Reserved()


@pytest.mark.parametrize("name", ["postgres", "template0", "template1", "pg_catalog", "pg_", "public", "none", "root"])
def test_names_of_the_system_are_reserved(name: str) -> None:
    assert name in Reserved()


@pytest.mark.parametrize("name", ["shop", "pg", "pgx", "postgres1", "template2", 7])
def test_other_names_are_free(name: object) -> None:
    assert name not in Reserved()
