"""Names of variables: exact collisions, whole sets, the user's own first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from addonkit.controller.naming import moved_from_plain, moves, promote, resolve_names
from addonkit.models.instance import Association, Phase
from addonkit.models.variable import Variable

PG = tuple(Variable(key, "v") for key in ("DATABASE_URL", "PGHOST", "PGPASSWORD"))
VK = tuple(Variable(key, "v") for key in ("VALKEY_URL", "REDIS_URL"))


def tie(name: str, order: int, plain: tuple[Variable, ...] = PG, alias: str = "", **fields: object) -> Association:
    tie = Association(name, "shop", f"i-{name}", "postgresql", alias, primary=not alias, order=order)
    return attrs.evolve(tie, plain=plain, phase=Phase.ACTIVE, **fields)


def by_prefix(association: Association, taken: Sequence[str], used: Collection[str]) -> tuple[Variable, ...]:
    for number in range(1, 100):
        prefix = association.prefix if number == 1 else f"{association.prefix}{number}_"
        renamed = tuple(v.renamed(prefix + v.key) for v in association.plain)
        if not {v.key for v in renamed} & set(used):
            return renamed
    raise AssertionError


def keys(association: Association) -> list[str]:
    return [variable.key for variable in association.variables]


def test_the_first_set_has_its_plain_names() -> None:
    (first,) = resolve_names((), [tie("a", 1)], by_prefix)

    assert first.variables == PG
    assert first.primary


def test_a_second_set_moves_as_a_whole_even_for_one_shared_name() -> None:
    mysql = tuple(Variable(key, "v") for key in ("DATABASE_URL", "MYSQL_HOST"))

    first, second = resolve_names((), [tie("a", 1), attrs.evolve(tie("b", 2, mysql), addon="mysql")], by_prefix)

    assert keys(first) == ["DATABASE_URL", "PGHOST", "PGPASSWORD"]
    assert keys(second) == ["MYSQL_DATABASE_URL", "MYSQL_MYSQL_HOST"]
    assert second.message == "DATABASE_URL belongs to postgresql"
    assert not second.primary


def test_sets_that_share_no_name_leave_each_other_alone() -> None:
    resolved = resolve_names((), [tie("a", 1), attrs.evolve(tie("b", 2, VK), addon="valkey")], by_prefix)

    assert [s.variables for s in resolved] == [PG, VK]


def test_a_name_that_only_contains_another_is_no_collision() -> None:
    (only,) = resolve_names({"EXTERNAL_DATABASE_URL", "DATABASE_URL_OLD"}, [tie("a", 1)], by_prefix)

    assert only.variables == PG


def test_a_set_with_a_name_of_its_own_carries_it_from_the_start() -> None:
    (only,) = resolve_names((), [tie("a", 1, alias="analytics-db")], by_prefix)

    assert keys(only) == ["ANALYTICS_DB_DATABASE_URL", "ANALYTICS_DB_PGHOST", "ANALYTICS_DB_PGPASSWORD"]


def test_a_variable_set_by_hand_moves_the_whole_set_and_gives_the_names_back() -> None:
    before = resolve_names((), [tie("a", 1)], by_prefix)

    displaced = resolve_names({"DATABASE_URL"}, before, by_prefix)
    back = resolve_names((), displaced, by_prefix)

    assert keys(displaced[0]) == ["POSTGRESQL_DATABASE_URL", "POSTGRESQL_PGHOST", "POSTGRESQL_PGPASSWORD"]
    assert displaced[0].primary, "it waits for its plain names"
    assert [(m.old, m.new) for m in moves(before, displaced)][1] == ("PGHOST", "POSTGRESQL_PGHOST")
    assert {m.reason for m in moves(before, displaced)} == {"DATABASE_URL is set by hand"}
    assert back[0].variables == PG


def test_the_second_does_not_take_over_when_the_first_is_gone() -> None:
    _first, second = resolve_names((), [tie("a", 1), tie("b", 2, alias="analytics")], by_prefix)

    (alone,) = resolve_names((), [second], by_prefix)

    assert keys(alone)[0] == "ANALYTICS_DATABASE_URL"


def test_promoting_swaps_two_sets_at_once() -> None:
    before = resolve_names((), [tie("a", 1), tie("b", 2, alias="analytics")], by_prefix)

    after = resolve_names((), promote(before, "b"), by_prefix)

    assert keys(after[0])[0] == "POSTGRESQL_DATABASE_URL"
    assert keys(after[1])[0] == "DATABASE_URL"
    assert len(moves(before, after)) == 6


def test_promoting_twice_is_as_good_as_once() -> None:
    before = resolve_names((), [tie("a", 1), tie("b", 2, alias="analytics")], by_prefix)
    once = resolve_names((), promote(before, "b"), by_prefix)

    assert resolve_names((), promote(once, "b"), by_prefix) == once


def test_a_taken_prefix_gets_a_number() -> None:
    (only,) = resolve_names({"DATABASE_URL", "POSTGRESQL_DATABASE_URL"}, [tie("a", 1)], by_prefix)

    assert keys(only)[0] == "POSTGRESQL_2_DATABASE_URL"


def test_what_is_not_active_gives_no_variables() -> None:
    pending = attrs.evolve(tie("a", 1), phase=Phase.DEPROVISIONING, variables=PG)

    assert resolve_names((), [pending], by_prefix)[0].variables == ()


def test_moves_away_from_plain_names_are_told_unless_the_user_chose_them() -> None:
    moved, chosen = resolve_names(("PGHOST",), [tie("a", 1), tie("b", 2, alias="x")], by_prefix)

    assert len(moved_from_plain(moved)) == 3
    assert moved_from_plain(chosen) == ()


def test_why_a_set_moved_does_not_depend_on_the_order_in_which_sets_were_looked_at() -> None:
    host, url = PG[1:2], PG[:1]
    ties = [tie("a", 1, host, "a"), tie("b", 2, (*url, *host), "b"), tie("c", 3, url, "c")]
    once = resolve_names((), [attrs.evolve(each, primary=True) for each in ties], by_prefix)

    assert [each.message for each in once] == ["", "DATABASE_URL belongs to c", ""]
    assert resolve_names((), once, by_prefix) == once


_KEYS = st.sampled_from(["DATABASE_URL", "PGHOST", "REDIS_URL", "POSTGRESQL_PGHOST", "A_DATABASE_URL"])


@st.composite
def _ties(draw: st.DrawFn) -> list[Association]:
    aliases = draw(st.lists(st.sampled_from(["", "a", "b", "postgresql"]), max_size=4, unique=True))
    made = []
    for order, alias in enumerate(aliases):
        plain = tuple(Variable(key, f"{order}") for key in draw(st.lists(_KEYS, min_size=1, unique=True)))
        primary = draw(st.booleans())
        made.append(attrs.evolve(tie(f"t{order}", order, plain, alias), primary=primary))
    return made


@given(manual=st.sets(_KEYS), ties=_ties())
def test_whatever_is_there_names_are_unique_sets_move_whole_and_resolving_is_stable(
    manual: set[str], ties: list[Association]
) -> None:
    resolved = resolve_names(manual, ties, by_prefix)
    names = [*manual, *(key for association in resolved for key in keys(association))]

    assert len(names) == len(set(names)), "two variables share a name"
    for association in resolved:
        same = [v.key == p.key for v, p in zip(association.variables, association.plain, strict=True)]
        assert all(same) or not any(same), "a set moved in part"
        assert [v.text for v in association.variables] == [p.text for p in association.plain]
    assert resolve_names(manual, resolved, by_prefix) == resolved
