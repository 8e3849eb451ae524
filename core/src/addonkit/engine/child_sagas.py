"""Executions that a step starts, as it receives them as `sagas`. Undoing the step does not undo them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from addonkit.errors import LeaseLost

if TYPE_CHECKING:
    from addonkit.saga.protocol import Sagas
    from addonkit.saga.saga import Saga


class ChildSagas:
    """Runs executions on behalf of a step. An execution that another process takes over meanwhile is waited for."""

    def __init__(self, engine: Sagas, subject: Mapping[str, str]) -> None:
        self._engine = engine
        self._subject = subject

    async def ensure(
        self,
        id: str,
        saga: Saga[Any],
        inputs: Mapping[str, Any] | None = None,
        subject: Mapping[str, str] | None = None,
        *,
        again: bool = False,
    ) -> Any:
        """Join, resume or start the execution of that id and return its result; see Engine.ensure.

        It serves what the step's own execution serves, unless a subject is given.
        """
        while True:
            try:
                served = self._subject if subject is None else subject
                return await self._engine.ensure(id, saga, inputs, served, again=again)
            except LeaseLost:
                continue

    async def undo(self, id: str, saga: Saga[Any], *, completed: bool = True) -> None:
        """Undo the execution of that id, whatever its state; see Engine.undo."""
        while True:
            try:
                return await self._engine.undo(id, saga, completed=completed)
            except LeaseLost:
                continue
