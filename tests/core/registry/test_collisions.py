"""Sets of variables move all or nothing, with the values they had."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import ContractViolation
from addonkit.models.instance import Association
from addonkit.models.result import ProvisionResult
from addonkit.models.variable import Variable
from addonkit.registry.collisions import adjustment_fault, check_adjusted, prefixed

A, B = Variable("A", "1"), Variable("B", "2", sensitive=True)
AB = ProvisionResult((A, B))


@pytest.mark.parametrize(
    ("adjusted", "taken"),
    [
        ([A.renamed("X_A"), B.renamed("X_B")], ["A", "B"]),
        ((A.renamed("B"), B.renamed("A")), ["X"]),
        ([A, B], []),
        ((A, B), ["C"]),
    ],
)
def test_all_renamed_or_none_is_right(adjusted, taken):
    assert adjustment_fault(AB, adjusted, taken) == ""
    check_adjusted(AB, adjusted, taken)


@pytest.mark.parametrize(
    ("adjusted", "taken", "fault"),
    [
        (None, [], "it answered None, not a sequence of variables"),
        ("AB", [], "it answered a str, not"),
        ({A, B}, [], "it answered a set, not"),
        ([A, "B"], [], "it answered a sequence with a str in it"),
        ([A.renamed("X")], [], "it answered 1 variables where 2 were given"),
        ([A.renamed("X"), B.renamed("Y"), B.renamed("Z")], [], "it answered 3 variables where 2"),
        ([B.renamed("X"), A.renamed("Y")], [], "it changed more than the name of A"),
        ([attrs.evolve(A, key="X", value="3"), B.renamed("Y")], [], "it changed more than the name of A"),
        ([A.renamed("X"), Variable("Y", "2")], [], "it changed more than the name of B"),
        ([A.renamed("X"), B], [], "it renamed only a part of the set: B kept its name"),
        ([A.renamed("X"), B.renamed("X")], [], "it named two variables X"),
        ([A.renamed("X"), B.renamed("Y")], ["Y"], "it chose Y, which is taken"),
        ([A, B], ["A"], "it chose A, which is taken"),
    ],
)
def test_any_other_answer_is_refused_with_the_reason(adjusted, taken, fault):
    assert adjustment_fault(AB, adjusted, taken).startswith(fault)
    with pytest.raises(ContractViolation, match="checking renamed variables"):
        check_adjusted(AB, adjusted, taken)


def test_no_variables_need_no_other_names():
    assert adjustment_fault(ProvisionResult(), [], ["A"]) == ""


variables = st.lists(
    st.builds(Variable, st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), st.text(max_size=5), st.booleans()),
    unique_by=lambda each: each.key,
    max_size=5,
)


@given(variables, st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True))
def test_the_prefix_of_the_core_is_always_a_right_answer(given_variables, alias):
    result = ProvisionResult(tuple(given_variables))
    association = Association("id", "shop", "i", "memo", alias=alias)
    adjusted = prefixed(result, association)
    assert adjustment_fault(result, adjusted, []) == ""
    assert all(new.key == association.prefix + old.key for old, new in zip(result.variables, adjusted, strict=True))


def test_without_an_alias_the_addon_gives_the_prefix():
    association = Association("id", "shop", "i", "my-memo")
    assert [each.key for each in prefixed(AB, association)] == ["MY_MEMO_A", "MY_MEMO_B"]
