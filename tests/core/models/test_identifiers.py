"""Names: sanitized, checked, taken from references, made up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import InvalidName
from addonkit.models.identifiers import (
    check_addon_name,
    check_alias,
    check_app_name,
    name_from_ref,
    new_id,
    sanitize_identifier,
    variable_prefix,
)


@pytest.mark.parametrize(
    ("name", "limit", "expected"),
    [
        ("my-app", 63, "my_app"),
        ("MyApp", 63, "myapp"),
        ("123app", 63, "a123app"),
        ("app_name", 63, "app_name"),
        ("app.name", 63, "appname"),
        ("APP-NAME", 63, "app_name"),
        ("---", 63, "___"),
        ("2", 1, "a"),
        ("9lives", 3, "a9l"),
        ("no-limit", 0, "no_limit"),
        ("x" * 70, 63, "x" * 63),
        ("", 63, "app"),
        ("", 2, "ap"),
        ("a", 63, "a"),
        ("My App", 63, "myapp"),
        ("café-2", 63, "caf_2"),
        ("日本", 63, "app"),
        ("_x", 63, "_x"),
        ("123", 2, "a1"),
        ("1" * 40, 32, "a" + "1" * 31),
        ("no-limit", -1, "no_limit"),
        ("root", 32, "root"),
        ("my-really-long-application-name-for-production", 32, "my_really_long_application_name_"),
        (
            "a-very-long-application-name-that-exceeds-the-postgres-identifier-limit-of-63-chars",
            63,
            "a_very_long_application_name_that_exceeds_the_postgres_identifi",
        ),
        ("\u212a", 63, "app"),  # the Kelvin sign, whose lower case is an ASCII k
        ("٣x", 63, "x"),  # a digit, but not an ASCII one
    ],
)
def test_a_name_becomes_this_identifier(name, limit, expected):
    assert sanitize_identifier(name, limit) == expected


@given(st.text(), st.integers(-5, 80))
def test_any_text_becomes_an_identifier(name, limit):
    identifier = sanitize_identifier(name, limit)
    assert re.fullmatch(r"[a-z_][a-z0-9_]*", identifier)
    assert limit <= 0 or len(identifier) <= limit


@given(st.text(), st.integers(-5, 80))
def test_an_identifier_stays_as_it_is(name, limit):
    identifier = sanitize_identifier(name, limit)
    assert sanitize_identifier(identifier, limit) == identifier


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("addon/postgresql", "postgresql"),
        ("miren-postgresql", "miren-postgresql"),
        ("addon/ns/x", "x"),
        ("dev.miren.addon/addon/miren-postgresql", "miren-postgresql"),
        ("addon/", ""),
        ("", ""),
        ("/", ""),
    ],
)
def test_the_name_of_a_reference_is_its_last_part(ref, name):
    assert name_from_ref(ref) == name


def test_new_ids_are_ten_plain_characters_and_differ():
    ids = {new_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"[a-z][a-km-np-z2-9]{9}", each) for each in ids)
    assert all(sanitize_identifier(each, 10) == each for each in ids)


@pytest.mark.parametrize("name", ["shop", "My.Shop_2-x", "2fast", "a" * 200])
def test_a_legal_app_name_is_kept(name):
    assert check_app_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "my shop", " shop", "shop\n", "-shop", ".shop", "_shop", "shöp", "a/b", "a:b", "٣"]
)
def test_another_app_name_is_refused(name):
    with pytest.raises(InvalidName, match="choose a name"):
        check_app_name(name)


def test_a_long_app_name_is_refused_by_its_length_without_being_repeated():
    with pytest.raises(InvalidName, match="it has 300 characters; use at most 200") as error:
        check_app_name("x" * 300)
    assert "x" * 21 not in str(error.value)


@pytest.mark.parametrize("alias", ["analytics", "a", "db-2", "my_db", "a" * 40])
def test_a_legal_alias_is_kept(alias):
    assert check_alias(alias) == alias


@pytest.mark.parametrize("alias", ["", "Analytics", "2nd", "-a", "_a", "a b", "a.b", "a" * 41, "a\n", "ä"])
def test_another_alias_is_refused(alias):
    with pytest.raises(InvalidName):
        check_alias(alias)


@pytest.mark.parametrize("name", ["postgresql", "s3-remote", "a", "a" * 63])
def test_a_legal_addon_name_is_kept(name):
    assert check_addon_name(name) == name


@pytest.mark.parametrize("name", ["", "PostgreSQL", "3s", "s3_remote", "a:b", "a/b", "a" * 64, "a\n", "é"])
def test_another_addon_name_is_refused(name):
    with pytest.raises(InvalidName):
        check_addon_name(name)


@pytest.mark.parametrize(
    ("name", "prefix"), [("analytics", "ANALYTICS_"), ("analytics-db", "ANALYTICS_DB_"), ("2nd", "A2ND_")]
)
def test_a_set_of_variables_moves_by_the_name_in_capitals(name, prefix):
    assert variable_prefix(name) == prefix


@given(st.text())
def test_a_prefix_always_begins_a_legal_variable(name):
    assert re.fullmatch(r"[A-Z_][A-Z0-9_]*_", variable_prefix(name))
