"""The plain `addonkit run -a APP -- COMMAND`, the command of every day, without what it does not need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_WORDS: Final = 5
"""Words of the shortest command line of this form: `run -a APP -- COMMAND`."""


def try_quick_run(argv: Sequence[str]) -> None:
    """Become the program when the command line has the plain form and reading the state is enough.

    Comes back in every other case: the whole command line then does it, or tells why not.

    Raises:
        SystemExit: the program cannot be run.
    """
    if len(argv) < _WORDS or argv[0] != "run" or argv[1] not in {"-a", "--app"} or argv[3] != "--":
        return
    app = argv[2]
    if not app.isascii() or app.startswith("-"):
        return
    from addonkit.cli.read_path import read

    found = read(None, app)
    if found is None:
        return
    from addonkit.cli.exec import NotStarted, replace_process

    try:
        replace_process(argv[4:], found)
    except NotStarted as error:
        raise SystemExit(error.status) from None
