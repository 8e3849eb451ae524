"""The plain `addonkit run -a APP COMMAND`, the command of every day, without what it does not need."""

from __future__ import annotations

import os
from collections.abc import Sequence


def try_quick_run(argv: Sequence[str]) -> None:
    """Become the program when the command line has the plain form and reading the state is enough.

    Comes back in every other case: the whole command line then does it, or tells why not.

    Raises:
        SystemExit: the program cannot be run.
    """
    app, command = _parse(argv)
    if not command or not app or not app.isascii() or os.environ.get("ADDONKIT_URL"):
        return
    from addonkit.cli.read_path import read

    found = read(None, app)
    if found is None:
        return
    from addonkit.cli.exec import NotStarted, replace_process

    try:
        replace_process(command, found)
    except NotStarted as error:
        raise SystemExit(error.status) from None


def _parse(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the app and the command of the plain form; an empty command for every other one."""
    if argv[:1] != ["run"]:
        return "", ()
    rest = argv[1:]
    app = os.environ.get("ADDONKIT_APP", "")
    if len(rest) > 1 and rest[0] in {"-a", "--app"}:
        app, rest = rest[1], rest[2:]
    if rest[:1] == ["--"]:
        return app, rest[1:]
    return app, () if not rest or rest[0].startswith("-") else rest
