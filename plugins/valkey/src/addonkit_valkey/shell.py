"""A small client for people, for machines that have no valkey-cli: `python -m addonkit_valkey.shell [COMMAND ...]`.

It logs in with VALKEY_URL. With arguments it runs one command, else it reads commands from the terminal.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from valkey import Valkey

URL: Final = "VALKEY_URL"

_ENDLESS: Final = frozenset({"monitor", "psubscribe", "ssubscribe", "subscribe", "sync", "psync"})
"""Commands whose answers never end."""

_LEAVE: Final = frozenset({"exit", "quit"})


def main(words: Sequence[str]) -> int:
    """Run one command, or those that are typed; return the exit status, 1 when the last command failed."""
    from valkey import Valkey

    with Valkey.from_url(os.environ[URL]) as client:
        if words:
            return _run(client, words)
        status = 0
        for line in _typed(f"{client.get_connection_kwargs()['host']}> "):
            try:
                status = _run(client, shlex.split(line))
            except ValueError as error:
                status = _refuse(str(error))
        return status


def _typed(prompt: str) -> Iterator[str]:
    """Yield the lines that are typed or piped in, until the end or `quit`."""
    import readline  # noqa: F401 - gives `input` its history and its editing

    while True:
        try:
            line = input(prompt if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line.lower() in _LEAVE:
            return
        if line:
            yield line


def _run(client: Valkey, words: Sequence[str]) -> int:
    from valkey.exceptions import ValkeyError

    if words[0].lower() in _ENDLESS:
        return _refuse(f"{words[0]} has no end; install valkey-cli for it")
    try:
        # Sent as it is: `execute_command` would turn answers into Python's types.
        connection = client.connection_pool.get_connection(words[0])
        connection.send_command(*words)
        answer = connection.read_response()
    except ValkeyError as error:
        return _refuse(str(error))
    print("\n".join(lines_of(answer)))
    return 0


def _refuse(reason: str) -> int:
    print(f"(error) {reason}", file=sys.stderr)
    return 1


def lines_of(answer: Any) -> Iterator[str]:
    """Return an answer as people read it, the way valkey-cli shows it."""
    if answer is None:
        yield "(nil)"
    elif isinstance(answer, int):
        yield f"(integer) {answer}"
    elif isinstance(answer, bytes):
        yield _quoted(answer)
    elif isinstance(answer, list | tuple):
        yield from _numbered(answer)
    else:
        yield str(answer)


def _numbered(answers: Sequence[Any]) -> Iterator[str]:
    if not answers:
        yield "(empty list)"
    for number, each in enumerate(answers, 1):
        first, *rest = lines_of(each)
        label = f"{number}) "
        yield label + first
        yield from (" " * len(label) + line for line in rest)


def _quoted(text: bytes) -> str:
    """Return the text when it can be printed, else the bytes with escapes."""
    shown = text.decode(errors="backslashreplace")
    return shown if shown.isprintable() or "\n" in shown.strip("\n") else repr(text)[1:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
