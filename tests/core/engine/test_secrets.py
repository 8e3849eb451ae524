"""Secrets stay out of events, errors, traces and clear rows, wherever a step got them from."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.errors import SagaBlocked, SagaFailed
from addonkit.models.secret import Secret
from addonkit.saga.saga import Saga
from addonkit.saga.step import step
from addonkit.store.sqlite import SqliteStore

PASSWORD = "correct-horse-battery-staple-0123"


@attrs.frozen
class Server:
    attributes: dict[str, Any]


@step(gives="password", undo=None)
async def generate() -> Secret:
    return Secret(PASSWORD)


@step
async def leak_an_output(password: Secret) -> None:
    raise ValueError(f"bad password {password.reveal()}")


@leak_an_output.undo
async def _(password: Secret) -> None:
    raise ValueError(f"still bad: {password.reveal()}")


@step(undo=None)
async def leak_an_input(given: Secret, progress: Any) -> None:
    progress(f"trying {given.reveal()}")
    raise ConnectionError(f"postgresql://admin:{given.reveal()}@localhost refused")


@step(undo=None)
async def leak_a_resource(server: Server) -> None:
    raise RuntimeError(server.attributes["admin"].reveal())


@step(gives="made", undo=None)
async def leak_what_it_made() -> Secret:
    return Secret(PASSWORD)


LEAKS = {
    "output": Saga("test.leak", steps=[generate, leak_an_output]),
    "input": Saga("test.leak", steps=[leak_an_input], inputs=("given",)),
    "resource": Saga("test.leak", steps=[leak_a_resource]),
}


@pytest.mark.parametrize("where", LEAKS)
async def test_a_failure_does_not_tell_the_secret(world: Any, where: str) -> None:
    world.resources["server"] = Server({"admin": Secret(PASSWORD)})
    saga = LEAKS[where]

    with pytest.raises((SagaFailed, SagaBlocked)) as caught:
        await world.engine().ensure("x", saga.bind(given=Secret(PASSWORD)) if saga.inputs else saga)

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.details)
    assert "***" in shown
    assert PASSWORD not in shown + repr(world.events) + repr(await world.execution())
    assert PASSWORD not in "".join(row.data for row in world.store._rows.values())


async def test_a_secret_made_by_the_step_that_fails_is_hidden_too(world: Any) -> None:
    from addonkit.engine import failpoints

    def fail() -> None:
        raise ValueError(f"cannot keep {PASSWORD}")

    with failpoints.at("after:leak_what_it_made", fail), pytest.raises(SagaFailed, match=r"cannot keep \*\*\*"):
        await world.engine().ensure("x", Saga("test.leak", steps=[leak_what_it_made]))


async def test_a_secret_is_journaled_sealed_and_read_back(world_on_disk: Any, home: Path) -> None:
    seen: list[Secret] = []

    @step(undo=None)
    async def use(password: Secret, given: Secret) -> None:
        seen.extend((password, given))

    saga = Saga("test.keep", steps=[generate, use], inputs=("given",))
    await world_on_disk.crash("journal:generate", saga.bind(given=Secret(PASSWORD + "-input")))

    await world_on_disk.engine("two").ensure("x", saga, {"given": Secret("ignored")})

    assert [secret.reveal() for secret in seen] == [PASSWORD, PASSWORD + "-input"]
    assert isinstance(world_on_disk.store, SqliteStore)
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in home.iterdir() if path.is_file())


async def test_a_secret_result_is_a_secret(world: Any) -> None:
    @step(gives="result", undo=None)
    async def make() -> Secret:
        return Secret(PASSWORD)

    assert await world.engine().ensure("x", Saga("test.make", steps=[make])) == Secret(PASSWORD)
