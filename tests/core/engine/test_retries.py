"""A function is tried again while its failures may pass, as often and as late as its Retry says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.engine.invoker import StepInvoker
from addonkit.saga.step import Retry, Signature


class Script:
    """Raises these errors one by one, then returns; remembers the pauses between."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.runs = 0
        self.pauses: list[float] = []

    async def run(self) -> str:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    async def pause(self, _error: Exception, delay: float) -> None:
        self.pauses.append(delay)


async def attempt(run: Callable[[], Awaitable[Any]], limit: float, retry: Retry, pause: Any) -> Any:
    """Invoke a function without arguments, as that of a step with this limit and this retry."""
    nothing: Any = SimpleNamespace(execution=SimpleNamespace(subject={}), hide=lambda _values: None)
    step: Any = SimpleNamespace(timeout=limit, retry=retry)
    return await StepInvoker(nothing, nothing, nothing, nothing).invoke(step, run, Signature((), ()), pause)


@given(
    st.builds(
        Retry,
        attempts=st.integers(1, 8),
        first_delay=st.floats(0.01, 10),
        factor=st.floats(1, 4),
        longest_delay=st.floats(0.1, 60),
    )
)
def test_delays_grow_up_to_their_bound_and_tries_are_counted(retry: Retry) -> None:
    script = Script(*[TimeoutError() for _ in range(20)])

    with pytest.raises(TimeoutError):
        asyncio.run(attempt(script.run, 60, retry, script.pause))

    assert script.runs == retry.attempts
    assert len(script.pauses) == retry.attempts - 1
    assert script.pauses == sorted(script.pauses)
    assert all(delay <= retry.longest_delay for delay in script.pauses)


async def test_what_works_in_the_end_has_worked() -> None:
    script = Script(ConnectionError(), ConnectionError())

    assert await attempt(script.run, 60, Retry(), script.pause) == "done"
    assert script.pauses == [0.2, 0.4]


async def test_a_failure_that_stays_ends_the_tries() -> None:
    script = Script(ConnectionError(), ValueError())

    with pytest.raises(ValueError):
        await attempt(script.run, 60, Retry(), script.pause)
    assert script.runs == 2


async def never() -> None:
    await asyncio.Event().wait()


async def test_a_try_that_takes_too_long_is_ended_and_says_so() -> None:
    script = Script()

    with pytest.raises(TimeoutError, match=r"it took too long: more than 0\.01 s"):
        await attempt(never, 0.01, Retry(attempts=2), script.pause)
    assert script.pauses == [0.2], "a time-out may pass"


async def test_a_timeout_of_the_functions_own_keeps_its_words() -> None:
    with pytest.raises(TimeoutError, match="^no answer$"):
        await attempt(Script(TimeoutError("no answer")).run, 60, Retry(attempts=1), Script().pause)


async def test_a_cancellation_from_within_is_a_failure() -> None:
    async def cancels_itself() -> None:
        inner = asyncio.ensure_future(never())
        inner.cancel()
        await inner

    with pytest.raises(RuntimeError, match="cancelled from within"):
        await attempt(cancels_itself, 60, Retry(), Script().pause)


async def test_a_function_that_would_end_the_program_has_failed() -> None:
    with pytest.raises(RuntimeError, match=r"it tried to end the program \(3\)"):
        await attempt(Script(SystemExit(3)).run, 60, Retry(), Script().pause)


@pytest.mark.parametrize("limit", [60.0, 1e9])
async def test_a_cancellation_from_outside_passes_through(limit: float) -> None:
    task = asyncio.ensure_future(attempt(never, limit, Retry(), Script().pause))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_pause_may_give_up() -> None:
    async def give_up(*_args: Any) -> None:
        raise LookupError

    run: Callable[[], Awaitable[Any]] = Script(TimeoutError()).run
    with pytest.raises(LookupError):
        await attempt(run, 60, Retry(), give_up)
