"""Puts the changed source of a mutant in the place of one module, in every Python that this environment starts."""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

_MODULE, _SOURCE = os.environ.get("MUTANT_MODULE"), os.environ.get("MUTANT_SOURCE", "")
_get_code = SourceFileLoader.get_code


def _changed(loader: SourceFileLoader, fullname: str) -> Any:
    if fullname != _MODULE:
        return _get_code(loader, fullname)
    return compile(Path(_SOURCE).read_text(encoding="utf-8"), loader.path, "exec", dont_inherit=True)


if _MODULE:
    SourceFileLoader.get_code = _changed  # type: ignore[assignment, method-assign]
