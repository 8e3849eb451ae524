"""The five-step workflow of `workflows.py` in DBOS on SQLite; run by an interpreter that has `dbos`.

    python dbos_workflow.py DATABASE EXECUTIONS AT_ONCE

Prints the seconds that one step takes. What DBOS sets up when it begins, and a first workflow, are not counted.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from dbos import DBOS  # type: ignore[import-not-found]

STEPS = 5


def numbered(number: int) -> Any:
    """Return a step that gives a number."""

    async def count(start: int) -> int:
        return start + number

    count.__qualname__ = count.__name__ = f"count_{number}"
    return DBOS.step(name=count.__name__)(count)


async def measure(executions: int, at_once: int) -> float:
    """Return seconds that one step takes."""
    steps = [numbered(number) for number in range(STEPS)]

    @DBOS.workflow()  # type: ignore[untyped-decorator]
    async def five(start: int) -> None:
        for each in steps:
            await each(start)

    DBOS.launch()
    await five(0)

    async def worker() -> None:
        for number in range(executions // at_once):
            await five(number)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return (time.perf_counter() - began) / (executions * STEPS)


def main() -> None:
    """Measure and print."""
    database, executions, at_once = sys.argv[1:]
    url = f"sqlite:///{database}"
    DBOS(config={"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})
    print(asyncio.run(measure(int(executions), int(at_once))))
    DBOS.destroy()


if __name__ == "__main__":
    main()
