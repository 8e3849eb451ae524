"""Write the pages of docs/reference/ that follow from the code: hooks, errors, what authors import, what is checked.

Writes what is not up to date; with `--check` only tells, with status 1 when something is not.
The page about the command line has a writer of its own, `addonkit.cli.reference`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from reference_pages.addons import addons_page
from reference_pages.api import api_page
from reference_pages.checks import checks_page
from reference_pages.errors import errors_page
from reference_pages.hooks import hooks_page
from reference_pages.http_api import http_api_page
from reference_pages.metrics import metrics_page
from reference_pages.mistakes import mistakes_page

REFERENCE: Final = Path(__file__).parent.parent / "docs" / "reference"

PAGES: Final = {
    "addons.md": addons_page,
    "api.md": http_api_page,
    "addon-api.md": api_page,
    "errors.md": errors_page,
    "hooks.md": hooks_page,
    "metrics.md": metrics_page,
    "mistakes.md": mistakes_page,
    "testing.md": checks_page,
}


def main(arguments: list[str]) -> int:
    """Write or check the pages; the exit status."""
    stale = [name for name, page in PAGES.items() if not _is_current(REFERENCE / name, page())]
    for name in stale:
        if "--check" not in arguments:
            (REFERENCE / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/reference/{name} {'is out of date' if '--check' in arguments else 'is written'}")
    return int(bool(stale) and "--check" in arguments)


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
