"""The addon spec `name[:variant]`: parse and print are inverses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import InvalidReference
from addonkit.models.spec import AddonSpec


@pytest.mark.parametrize(
    ("text", "addon", "variant"),
    [
        ("postgresql", "postgresql", None),
        ("postgresql:small", "postgresql", "small"),
        ("postgresql:", "postgresql", ""),
        ("postgresql:a:b", "postgresql", "a:b"),
    ],
)
def test_the_name_ends_at_the_first_colon(text, addon, variant):
    assert AddonSpec.parse(text) == AddonSpec(addon, variant)
    assert str(AddonSpec.parse(text)) == text


@pytest.mark.parametrize("text", ["", ":", ":small", " postgresql", "postgresql ", "postgresql:small\n", "\x1fa"])
def test_a_spec_without_a_name_or_with_blanks_around_it_is_refused(text):
    with pytest.raises(InvalidReference, match="cannot read addon"):
        AddonSpec.parse(text)


@pytest.mark.parametrize(("addon", "variant"), [("", None), ("a:b", None), (" a", None), ("a", "b "), ("a ", None)])
def test_what_could_not_be_read_back_cannot_be_made(addon, variant):
    with pytest.raises(InvalidReference):
        AddonSpec(addon, variant)


@given(st.text(st.sampled_from("ab:- \té"), max_size=12))
def test_what_parses_prints_to_the_same(text):
    try:
        spec = AddonSpec.parse(text)
    except InvalidReference:
        return
    assert str(spec) == text


@given(st.text(max_size=8), st.none() | st.text(max_size=8))
def test_what_can_be_made_parses_back_to_the_same(addon, variant):
    try:
        spec = AddonSpec(addon, variant)
    except InvalidReference:
        return
    assert AddonSpec.parse(str(spec)) == spec
