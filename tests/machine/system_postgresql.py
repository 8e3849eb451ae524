"""Which PostgreSQL the machine's packages bring, beside that of the wheel: Debian 12 has 15, Ubuntu 24.04 has 16."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_INSTALLED: Final = Path("/usr/lib/postgresql").glob("[0-9]*/bin/postgres")

VERSION: Final = max((path.parents[1].name for path in _INSTALLED), key=int, default="15")
"""The newest of them; 15 where there is none, so that messages name a package."""
