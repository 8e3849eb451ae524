"""How attempts ended, for the test that reads it."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

REFUSED = ("NOPERM", "NoPermission", "PermissionError", "no permissions")


def tell(attempts: Mapping[str, Callable[[], Any]]) -> None:
    """Make the attempts in order, and print for each `works`, `refused` or what else was wrong."""
    outcomes = {name: _outcome(attempt) for name, attempt in attempts.items()}
    sys.stdout.write(f"{json.dumps(outcomes)}\n")


def _outcome(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - each library has its own
        return "refused" if any(sign in repr(error) for sign in REFUSED) else repr(error)
    return "works"
