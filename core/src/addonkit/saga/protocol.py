"""The protocol of what a step receives as `sagas`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from addonkit.saga.saga import Saga


class Sagas(Protocol):
    """Executions that a step starts, as it receives them as `sagas`. They outlive the step's own."""

    async def ensure(
        self,
        id: str,
        saga: Saga[Any],
        inputs: Mapping[str, Any] | None = None,
        subject: Mapping[str, str] | None = None,
        *,
        again: bool = False,
    ) -> Any:
        """Join, resume or start the execution of that id and return its result.

        It serves `subject`; default is what the step's own execution serves. One that failed stays so; it is begun
        anew with `again`.
        """
        ...

    async def undo(self, id: str, saga: Saga[Any], *, completed: bool = True) -> None:
        """Undo the execution of that id; none is success. One that is completed is undone if `completed`."""
        ...
