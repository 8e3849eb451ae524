"""Tells a person what is being done, step by step, on stderr."""

from __future__ import annotations

import contextlib
from typing import Final, TextIO

import attrs

from addonkit.cli.streams import clean
from addonkit.models.execution import LOOKS, ONCE, USAGE, Event, EventKind

SLOW: Final = 2.0
"""Seconds after which steps are shown."""

_ENDS = {
    EventKind.DONE: "done",
    EventKind.FAILED: "failed",
    EventKind.UNDONE: "undone",
    EventKind.UNDO_FAILED: "could not be undone",
}
"""How a line about a step ends."""


@attrs.define
class _Running:
    """A step that was begun."""

    execution: str
    step: str
    depth: int
    line: str
    headed: bool = False


class Progress:
    """Writes a line a step, steps of a saga that another one starts further in.

    On a terminal a line appears when its step begins and is completed when it ends. Elsewhere each line is
    written once, when its step ends; a step in which another saga runs gets a line before that as well. A stream that
    is gone changes nothing.

    Args:
        stream: where to write; None shows nothing.
        live: whether a line may be written in two parts.
        patient: keep events back until `reveal`: work that ends soon needs none of their lines.
    """

    def __init__(self, stream: TextIO | None, *, live: bool, patient: bool = False) -> None:
        self._stream = stream
        self._live = live
        self._kept: list[Event] | None = [] if patient else None
        self._running: list[_Running] = []
        self._depths: dict[str, int] = {}
        self._titles: dict[tuple[str, str], str] = {}
        self._reasons: dict[tuple[str, str], str] = {}
        self._open_line = ""

    def reveal(self) -> None:
        """Show what was kept back, and from now on each line as it comes."""
        kept, self._kept = self._kept or [], None
        for event in kept:
            self._show(event)

    def take(self, event: Event) -> None:
        """Show one event, or keep it back."""
        if self._stream is None or event.execution.startswith(LOOKS):
            return
        if self._kept is not None:
            self._kept.append(event)
        else:
            self._show(event)

    def _show(self, event: Event) -> None:
        match event.kind:
            case EventKind.STARTED if event.step:
                self._begin(event)
            case EventKind.DONE | EventKind.FAILED | EventKind.UNDONE | EventKind.UNDO_FAILED if event.step:
                self._end(event)
            case EventKind.STARTED | EventKind.COMPLETED:
                self._depth(event)
            case _:
                self._remark(event)

    def close(self) -> None:
        """End a line that was left open."""
        if self._open_line:
            self._write("\n")
            self._open_line = ""

    def _name_next(self, event: Event) -> None:
        """Name a saga that follows another one of the same command: its steps are counted from 1 again."""
        follows = 0 in self._depths.values() and event.execution not in self._depths
        if self._depth(event) == 0 and follows and not event.execution.startswith(ONCE):
            self.close()
            self._write(f"  {clean(event.saga.rpartition('.')[2].replace('-', ' '))}:\n")

    def _begin(self, event: Event) -> None:
        self._name_next(event)
        depth = self._depth(event)
        if not self._live:
            self._head_of(depth)
        self._titles[event.execution, event.step] = event.message
        self._running.append(_Running(event.execution, event.step, depth, self._line(event, depth)))
        if self._live:
            self.close()
            self._open_line = self._line(event, depth)
            self._write(self._open_line)

    def _head_of(self, depth: int) -> None:
        """Name the step in which another saga begins, where lines are written when steps end."""
        if self._running and depth > self._running[-1].depth and not self._running[-1].headed:
            self._running[-1].headed = True
            self._write(f"{self._running[-1].line}\n")

    def _end(self, event: Event) -> None:
        depth = self._depth(event)
        self._running = [r for r in self._running if (r.execution, r.step) != (event.execution, event.step)]
        line = self._line(event, depth)
        if self._open_line != line:
            self.close()
            self._write(line)
        self._write(f" {_ENDS[event.kind]}\n")
        self._open_line = ""
        if event.kind in {EventKind.FAILED, EventKind.UNDO_FAILED} and not self._is_known(event):
            self._remark(event)

    def _remark(self, event: Event) -> None:
        """Write a sentence below the step it is about. Leaves out a reason that the step has had before.

        Says nothing of a question without an answer: the command tells that itself, and continues.
        """
        if event.execution.startswith(USAGE) and event.kind is not EventKind.PROGRESS:
            return
        self.close()
        indent = "  " * (self._depth(event) + 1)
        text = event.message.partition(" (")[0] if self._is_known(event) else _without_advice(event)
        self._reasons[event.execution, event.step] = _reason(event)
        for line in text.splitlines():
            self._write(f"{indent}    {clean(line)}\n")

    def _is_known(self, event: Event) -> bool:
        """Return whether the last remark about the step gave the same reason."""
        return bool(_reason(event)) and self._reasons.get((event.execution, event.step)) == _reason(event)

    def _line(self, event: Event, depth: int) -> str:
        title = self._titles.get((event.execution, event.step)) or event.step.replace("_", " ")
        width = len(str(event.total))
        return f"{'  ' * (depth + 1)}{event.number:>{width}}/{event.total} {clean(title)} ..."

    def _depth(self, event: Event) -> int:
        """Return an execution that is first heard of while a step runs was started by that step.

        One that runs beside it was not.
        """
        if event.execution not in self._depths:
            inner = bool(self._running) and not self._is_beside(event.execution)
            self._depths[event.execution] = self._running[-1].depth + 1 if inner else 0
        return self._depths[event.execution]

    def _is_beside(self, execution: str) -> bool:
        """Return whether an execution is one of several that a command runs at once, as questions to servers are."""
        return execution.startswith(ONCE) and not any(execution.startswith(f"{r.execution}/") for r in self._running)

    def _write(self, text: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
                self._stream.flush()


def _without_advice(event: Event) -> str:
    """Return a message; that of another attempt without advice, which the error has if the attempt fails too."""
    text, advice, _ = event.message.partition("; run `")
    return f"{text})" if advice and event.kind is EventKind.RETRYING else event.message


def _reason(event: Event) -> str:
    """Return what stands in parentheses at the end of a message, as in `start it: trying again in 2 s (no room)`."""
    return event.message.partition(" (")[2]
