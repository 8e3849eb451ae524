"""What a failure means, and that its one line holds no secret."""

from __future__ import annotations

import errno
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.engine.failure import (
    LONGEST_LINE,
    describe,
    is_transient,
    is_worth_another_try,
    mentions,
    scrub,
    secrets_in,
)
from addonkit.errors import (
    AddonkitError,
    Busy,
    InvalidName,
    PoolCrashed,
    Retryable,
    SagaBlocked,
    SagaFailed,
    TransientError,
)
from addonkit.models.secret import Secret

PASSWORD = "correct horse/battery"


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


class Flaky(Retryable, ValueError):
    """A stranger's error that carries the mark."""


PASSING = [
    TransientError("asking", "not now"),
    Busy("asking", "taken"),
    Flaky("again"),
    TimeoutError(),
    ConnectionResetError(),
    OSError(errno.ECONNREFUSED, "refused"),
    OSError(errno.EHOSTUNREACH, "unreachable"),
    caused(ValueError("wrapped"), ConnectionRefusedError()),
    caused(KeyError("twice"), caused(ValueError("wrapped"), TimeoutError())),
    ExceptionGroup("all pass", [TimeoutError(), ConnectionError()]),
]
STAYING = [
    ValueError("no"),
    InvalidName("using", "bad"),
    PoolCrashed("starting", "it crashed"),
    OSError(errno.ENOSPC, "full"),
    caused(ValueError("wrapped"), KeyError("k")),
    ExceptionGroup("one stays", [TimeoutError(), ValueError()]),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_a_fault_that_passes_is_worth_another_try(error: BaseException) -> None:
    assert is_transient(error)
    assert is_worth_another_try(error)


@pytest.mark.parametrize("error", STAYING, ids=repr)
def test_a_fault_that_stays_is_not(error: BaseException) -> None:
    assert not is_transient(error)
    assert not is_worth_another_try(error)


@pytest.mark.parametrize("transient", [True, False])
def test_the_end_of_another_execution_is_final_but_may_have_a_cause_that_passes(transient: bool) -> None:
    error = SagaFailed("making the server", "refused", transient=transient)

    assert is_transient(error) is transient
    assert not is_worth_another_try(error)
    assert not is_worth_another_try(caused(SagaBlocked("undoing", "stuck"), TimeoutError()))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (AddonkitError("creating d", "no space", "free some"), "creating d: no space; free some"),
        (ValueError("no"), "ValueError: no"),
        (ValueError(), "ValueError"),
        (TimeoutError(), "it took too long"),
        (ValueError("first\n  second\tthird"), "ValueError: first second third"),
        (ExceptionGroup("g", [ValueError("a"), KeyError("b"), ValueError("a")]), "ValueError: a; KeyError: 'b'"),
    ],
    ids=repr,
)
def test_a_failure_is_one_line(error: BaseException, line: str) -> None:
    assert describe(error) == line


def test_an_exception_that_cannot_say_itself_is_described_too() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe(Broken()) == "Broken: cannot be shown (RuntimeError)"


def test_a_failure_that_talks_too_much_is_cut() -> None:
    assert len(describe(ValueError("x" * 10_000))) == LONGEST_LINE + len("...")


@attrs.frozen
class Admin:
    password: Secret
    others: tuple[Any, ...] = ()


@pytest.mark.parametrize(
    "value",
    [
        Secret(PASSWORD),
        {"admin": {"password": Secret(PASSWORD)}},
        [1, (Secret(PASSWORD),)],
        {Secret(PASSWORD)},
        Admin(Secret("other-secret"), ({"x": Secret(PASSWORD)},)),
    ],
)
def test_secrets_are_found_in_values_however_deep(value: Any) -> None:
    assert PASSWORD in secrets_in(value)


def test_a_secret_is_hidden_as_it_is_and_as_part_of_a_url() -> None:
    hidden = secrets_in(Secret(PASSWORD))
    texts = [PASSWORD, "correct%20horse/battery", "correct%20horse%2Fbattery", "correct+horse%2Fbattery"]

    assert [scrub(f"at {text}!", hidden) for text in texts] == ["at ***!"] * 4


def test_secrets_too_short_to_be_told_from_words_are_not_looked_for() -> None:
    assert secrets_in([Secret(""), Secret("abc")]) == frozenset()


def test_a_secret_with_line_breaks_is_hidden_before_lines_are_joined() -> None:
    hidden = secrets_in(Secret("first\nsecond"))

    assert describe(ValueError("bad first\nsecond"), hidden) == "ValueError: bad ***"


@given(st.lists(st.text("abc", min_size=4, max_size=12), min_size=1, max_size=4), st.text("abc ", max_size=40))
def test_no_secret_survives_even_when_one_is_part_of_another(secrets: list[str], text: str) -> None:
    hidden = secrets_in([Secret(each) for each in secrets])
    said = scrub(text + "".join(secrets), hidden)

    assert not [secret for secret in secrets if secret in said]


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"bad {PASSWORD}"),
        caused(ValueError("bad"), KeyError(PASSWORD)),
        ExceptionGroup("g", [ValueError(PASSWORD)]),
    ],
    ids=["itself", "its cause", "a member"],
)
def test_an_error_whose_trace_would_show_a_secret_is_known(error: BaseException) -> None:
    assert mentions(error, secrets_in(Secret(PASSWORD)))
    assert not mentions(error, secrets_in(Secret("something else")))


def test_errors_that_cause_each_other_are_looked_at_once() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first

    assert not mentions(first, {"secret"})
