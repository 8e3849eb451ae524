"""Texts in which `{NAME}` stands for a variable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import AddonkitError, InvalidInput
from addonkit.models.placeholders import names_in


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), ("psql", ()), ("{PGHOST}:{PGPORT}", ("PGHOST", "PGPORT")), ("{{as it is}}", ()), ("{A}{A}", ("A", "A"))],
)
def test_names_in_braces_are_found(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    "text", ["{", "}", "{A", "{}", "{a}", "{A.real}", "{A[0]}", "{0}", "{A}{", "{A::}", "{A:>9}", "{A!r}", "{A:{B}}"]
)
def test_other_braces_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        names_in(text)


@given(st.text(alphabet="{}AB_a0.![]: "))
def test_what_is_accepted_can_be_filled_and_no_value_is_looked_into(text: str) -> None:
    try:
        names = names_in(text)
    except AddonkitError:
        return
    assert isinstance(text.format_map(dict.fromkeys(names, "{value}")), str)
