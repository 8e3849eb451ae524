"""Immutable values behave as those that attrs makes."""

from __future__ import annotations

import attrs
import pytest

from addonkit.util.values import frozen


@frozen
class Point:
    x: int
    y: int = 0


@frozen
class Single:
    x: int


@frozen
class Nothing:
    pass


@frozen
class Hiding:
    shown: int
    hidden: int = attrs.field(default=0, repr=False, eq=False)


@frozen
class Named:
    x: int

    def __repr__(self) -> str:
        return "named"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def test_equal_values_are_equal_and_have_one_hash():
    assert Point(1) == Point(1, 0)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    assert Point(1) != Point(1, 2)
    assert Single(1) == Single(1)
    assert Nothing() == Nothing()


def test_values_of_other_classes_are_not_equal():
    assert Single(1) != Point(1)
    assert Single(1) != 1
    assert Nothing() != Single(1)


def test_a_value_shows_its_fields():
    assert repr(Point(1)) == repr(attrs.make_class("Point", ["x", "y"])(1, 0))
    assert repr(Nothing()) == "Nothing()"


def test_a_value_does_not_change():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Point(1).x = 2  # type: ignore[misc]
    assert attrs.evolve(Point(1), y=3) == Point(1, 3)


def test_what_a_class_says_itself_stays():
    assert repr(Named(1)) == "named"
    assert Named(1) == Named(2)


def test_a_field_that_is_not_to_be_shown_or_compared_is_not():
    assert repr(Hiding(1, 2)) == "Hiding(shown=1)"
    assert Hiding(1, 2) == Hiding(1, 3)
    assert hash(Hiding(1, 2)) == hash(Hiding(1, 3))
