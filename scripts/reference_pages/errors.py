"""The page about errors."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

from addonkit import errors

_ERRORS_HEAD: Final = """\
# Errors

Written from `addonkit.errors` by `scripts/write_reference.py`.

Every error that addonkit raises on purpose is an `AddonkitError`. It prints as one line, `attempted: found; advice`,
and has these parts, and `details` for programs, as attributes. With `--json` the command line prints the same parts
under `error`, with the class as `kind`. Anything else that comes out of addonkit is a bug.

| class | is a | meaning |
| --- | --- | --- |
"""

_ERRORS_TAIL: Final = """
`Retryable` is the mark by which the engine tells a fault that passes from one that stays: a step that raises it is
tried again. `NothingDone` is the mark by which a step says that it had no effect: its own undo is not run, as one that
would be refused like the step itself. Any exception class may carry them:

```python
from addonkit import NotConfigured, NothingDone


class TokenRefused(NotConfigured, NothingDone): ...
```
"""


def errors_page() -> str:
    """Return the page about errors."""
    rows = (_row(found, parent) for found, parent in _tree(errors.AddonkitError, ""))
    return _ERRORS_HEAD + "\n".join(rows) + "\n" + _ERRORS_TAIL


def _tree(found: type[Exception], parent: str) -> Iterator[tuple[type, str]]:
    yield found, parent
    for child in found.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child, found.__name__)


def _row(found: type, parent: str) -> str:
    marks = ", Retryable" if issubclass(found, errors.Retryable) else ""
    meaning = " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split())
    return f"| `{found.__name__}` | {parent}{marks} | {meaning} |"
