"""Values of options are checked and written in one way before anything is stored."""

from __future__ import annotations

import re

import pytest

from addonkit.errors import InvalidInput
from addonkit.models.option_values import OptionType
from addonkit.models.options import OptionDefinition, Options, normalized

WORDS = OptionDefinition("words", type=OptionType.LIST, restart_words=("heavy",), choices=("light", "heavy", "plain"))
OPTIONS = Options(
    "depot",
    "small",
    (
        OptionDefinition("max_connections", type=OptionType.INTEGER, minimum="5", maximum="500", restart=True),
        OptionDefinition("memory", type=OptionType.SIZE, minimum="1MB", per_tenant=True),
        OptionDefinition("locale", changeable=False, default="C"),
        OptionDefinition("disk", type=OptionType.STORAGE, variants=("large",)),
        WORDS,
    ),
    {"max_connections": "100"},
    shared=False,
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (OptionType.SIZE, "64mb", "64MB"),
        (OptionType.SIZE, "65536 kB", "64MB"),
        (OptionType.SIZE, "1Gi", "1GB"),
        (OptionType.STORAGE, "5GB", "5Gi"),
        (OptionType.DURATION, "90s", "90s"),
        (OptionType.DURATION, "60000", "1min"),
        (OptionType.DURATION, "0", "0"),
        (OptionType.BOOLEAN, "True", "on"),
        (OptionType.INTEGER, "007", "7"),
        (OptionType.LIST, "b, a,b,", "b,a"),
    ],
)
def test_there_is_one_way_to_write_a_value(kind: OptionType, text: str, value: str) -> None:
    assert normalized(OptionDefinition("x", type=kind), text) == value
    assert normalized(OptionDefinition("x", type=kind), value) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (OptionType.SIZE, "64"),
        (OptionType.SIZE, "-1MB"),
        (OptionType.STORAGE, "0Gi"),
        (OptionType.DURATION, "soon"),
        (OptionType.BOOLEAN, "maybe"),
        (OptionType.INTEGER, "1.5"),
        (OptionType.INTEGER, "\u0663"),
        (OptionType.TEXT, ""),
        (OptionType.TEXT, "two\nlines"),
    ],
)
def test_nothing_is_guessed(kind: OptionType, text: str) -> None:
    with pytest.raises(ValueError, match="it is not"):
        normalized(OptionDefinition("x", type=kind), text)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"max_conections": "7"}, "did you mean max_connections?"),
        ({"max_connections": "4"}, "it is less than 5"),
        ({"max_connections": "501"}, "use 5 to 500"),
        ({"words": "light,heavi"}, "did you mean heavy?"),
        ({"disk": "5Gi"}, "use variant large"),
        ({"colour": "red"}, "it has max_connections, memory, locale, words"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(values: dict[str, str], found: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(found)):
        OPTIONS.checked(values, attempted="cannot create it")


def test_what_is_chosen_at_create_stays() -> None:
    assert OPTIONS.checked({"locale": "de"}, attempted="") == {"locale": "de"}
    assert OPTIONS.checked({"locale": "C"}, attempted="", former={}) == {"locale": "C"}, "it has it already"
    with pytest.raises(InvalidInput, match="at create only"):
        OPTIONS.checked({"locale": "de"}, attempted="", former={})


def test_a_shared_server_gives_what_holds_for_each_tenant() -> None:
    shared = Options("depot", "shared", OPTIONS.definitions, {}, shared=True)

    assert [each.name for each in shared.offered] == ["memory"]
    with pytest.raises(InvalidInput, match="holds for the whole server"):
        shared.checked({"max_connections": "7"}, attempted="")


def test_a_restart_is_needed_for_what_a_server_reads_at_its_start() -> None:
    assert OPTIONS.needs_restart({"max_connections": "100"}, {"max_connections": "200"})
    assert not OPTIONS.needs_restart({"max_connections": "100"}, {"max_connections": "100", "memory": "2MB"})
    assert OPTIONS.needs_restart({"words": "light"}, {"words": "light,heavy"})
    assert OPTIONS.needs_restart({"words": "light,heavy"}, {"words": ""})
    assert not OPTIONS.needs_restart({"words": "heavy"}, {"words": "heavy,plain"})


def test_the_schema_takes_what_is_taken() -> None:
    schema = OPTIONS.schema()

    assert schema["properties"]["max_connections"]["default"] == "100"
    assert re.search(schema["properties"]["memory"]["pattern"], "64MB")
    assert "disk" not in schema["properties"]


def test_what_an_archive_had_chosen_is_found_in_its_config() -> None:
    assert OPTIONS.chosen(
        {"max_connections": "200", "locale": "C", "memory": "2MB", "words": "gone", "_image": "x"}
    ) == {
        "max_connections": "200",
        "memory": "2MB",
    }
