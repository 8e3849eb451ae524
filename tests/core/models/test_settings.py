"""Settings: the environment wins over what is stored, which wins over defaults."""

from __future__ import annotations

import pytest

from addonkit import AddonDefinition, InvalidInput, NotConfigured, Secret, SettingDefinition, VariantDefinition
from addonkit.models.settings import check_complete, checked, environment_name, in_force

BOX = AddonDefinition(
    "my-box",
    "Box",
    "",
    "small",
    (VariantDefinition("small"), VariantDefinition("large", settings=("place",))),
    settings=(
        SettingDefinition("where"),
        SettingDefinition("word", secret=True),
        SettingDefinition("place", default=""),
        SettingDefinition("kind", default="a", choices=("a", "b")),
    ),
)
WHERE = environment_name("my-box", "where")


def found(stored: dict[str, str | Secret], environ: dict[str, str]) -> dict[str, tuple[str | Secret | None, str]]:
    return {each.definition.name: (each.value, each.source) for each in in_force(BOX, stored, environ)}


def test_the_variable_is_named_after_addon_and_setting() -> None:
    assert WHERE == "ADDONKIT_MY_BOX_WHERE"


def test_the_environment_wins_over_the_store_and_the_store_over_defaults() -> None:
    stored: dict[str, str | Secret] = {"where": "stored", "kind": "b"}

    assert found(stored, {})["where"] == ("stored", "stored")
    assert found(stored, {WHERE: "told"})["where"] == ("told", "environment")
    assert found(stored, {})["kind"] == ("b", "stored")
    assert found({}, {})["kind"] == ("a", "default")
    assert found({}, {})["where"] == (None, "")


def test_secrets_are_hidden_wherever_they_come_from() -> None:
    assert found({"word": Secret("x")}, {})["word"] == (Secret("x"), "stored")
    assert found({}, {environment_name("my-box", "word"): "x"})["word"] == (Secret("x"), "environment")
    assert checked(BOX, {"word": "x"}) == {"word": Secret("x")}


@pytest.mark.parametrize(
    ("values", "line"), [({"wher": "x"}, "no such setting; it has where, word"), ({"kind": "c"}, "use one of a, b")]
)
def test_what_the_addon_does_not_have_is_refused(values: dict[str, str], line: str) -> None:
    with pytest.raises(InvalidInput, match=line):
        checked(BOX, values)


@pytest.mark.parametrize(
    ("variant", "stored", "missing"),
    [
        ("small", {}, ["where", "word"]),
        ("small", {"where": "x"}, ["word"]),
        ("large", {"where": "x", "word": "x"}, ["place"]),
    ],
)
def test_what_is_missing_is_said_with_the_command_that_tells_it(
    variant: str, stored: dict[str, str | Secret], missing: list[str]
) -> None:
    with pytest.raises(NotConfigured, match=f"addonkit config set my-box {missing[0]}=") as error:
        check_complete(BOX, variant, in_force(BOX, stored, {}))

    assert error.value.details["missing"] == missing


def test_a_value_that_is_not_allowed_is_refused_wherever_it_comes_from() -> None:
    settings = in_force(BOX, {"where": "x", "word": "x"}, {environment_name("my-box", "kind"): "c"})

    with pytest.raises(InvalidInput, match="use one of a, b"):
        check_complete(BOX, "small", settings)


def test_what_is_complete_passes() -> None:
    check_complete(BOX, "large", in_force(BOX, {"where": "x", "word": "x", "place": "x"}, {}))
