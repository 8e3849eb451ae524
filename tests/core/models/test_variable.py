from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import AddonkitError, InvalidInput, InvalidName
from addonkit.models.result import BindResult, ProvisionResult
from addonkit.models.secret import Secret
from addonkit.models.variable import ENTRY_MAX, Variable, check_posix_name, check_text, check_variable_key, names_in

KEYS = st.from_regex(r"[A-Z_][A-Z0-9_]*", fullmatch=True)
POSIX = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)


@given(key=KEYS)
def test_a_key_of_the_grammar_is_taken(key):
    assert check_variable_key(key) == key
    assert Variable(key, "x").key == key


@pytest.mark.parametrize("key", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", " A", "A ", "A.B", "ª", "\uff21"])
def test_any_other_key_is_refused(key):
    with pytest.raises(InvalidName, match="as the name of a variable"):
        check_variable_key(key)
    with pytest.raises(InvalidName):
        Variable(key, "x")


@given(key=POSIX)
def test_people_may_use_every_posix_name(key):
    assert check_posix_name(key) == Variable(key, "x").key == key


@pytest.mark.parametrize("key", ["http_proxy", "ConnectionStrings__Default", "a"])
@pytest.mark.parametrize("result", [ProvisionResult, BindResult])
def test_an_addon_gives_names_in_capital_letters(key, result):
    with pytest.raises(InvalidName, match=f"cannot use '{key}' as the name of a variable"):
        result((Variable("GOOD", "x"), Variable(key, "x")))


@pytest.mark.parametrize("text", ["", "two\nlines\n", "\u2028", "x" * (ENTRY_MAX - 2)])
def test_text_of_any_shape_is_a_value(text):
    check_text("A", text)


@pytest.mark.parametrize(
    ("text", "found"), [("secret\0", "NUL"), ("secret\udc80", "not UTF-8"), ("x" * (ENTRY_MAX - 1), "at most")]
)
def test_what_no_environment_holds_is_refused_by_name(text, found):
    with pytest.raises(InvalidInput, match="cannot set TOKEN" if text[0] == "s" else "cannot set A") as refused:
        check_text("TOKEN" if text[0] == "s" else "A", text)
    assert found in refused.value.found
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("value", [5432, None, b"x", ["x"]])
@pytest.mark.parametrize("sensitive", [False, True])
def test_a_value_that_is_no_text_is_refused(value, sensitive):
    with pytest.raises(InvalidInput, match=f"variable PORT: its value is of type {type(value).__name__}; give text"):
        Variable("PORT", value, sensitive)


def test_a_plain_value_is_shown():
    variable = Variable("HOST", "db.example")

    assert not variable.sensitive
    assert variable.text == variable.value == "db.example"
    assert "db.example" in repr(variable)


@pytest.mark.parametrize(
    "variable",
    [
        Variable("TOKEN", Secret("hunter2")),
        Variable("TOKEN", "hunter2", sensitive=True),
        Variable("TOKEN", Secret("hunter2"), sensitive=False),  # what holds a secret is sensitive whatever is said
    ],
)
def test_a_sensitive_value_is_hidden_until_it_is_asked_for(variable):
    assert variable == Variable("TOKEN", Secret("hunter2"))
    assert variable.sensitive
    assert variable.value == Secret("hunter2")
    assert variable.text == "hunter2"
    assert "hunter2" not in repr(variable)


@pytest.mark.parametrize("value", ["x", Secret("x")])
def test_a_renamed_variable_keeps_its_value_and_its_hiding(value):
    former = Variable("A", value)
    latter = former.renamed("B")

    assert latter == Variable("B", value)
    assert (latter.value, latter.sensitive) == (former.value, former.sensitive)


def test_a_variable_is_not_renamed_to_nonsense():
    with pytest.raises(InvalidName):
        Variable("A", "x").renamed("not a key")


def test_a_variable_made_from_another_stays_sensitive():
    assert attrs.evolve(Variable("A", Secret("x")), value="y").value == Secret("y")


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
