"""Draws the page of `addonkit serve` as a browser shows it: `python scripts/page_picture.py docs/page.png`.

Debian's `chromium` looks at real instances of a home that is removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

ADDONKIT: Final = (sys.executable, "-m", "addonkit")
CREATED: Final = (
    ("postgresql:small", "shop"),
    ("valkey:cache", "shop"),
    ("postgresql:shared", "blog"),
    ("postgresql:shared", "wiki"),
    ("valkey:shared", "wiki"),
)
SIZE: Final = (1280, 600)


def main(path: Path) -> None:
    """Write the picture."""
    home = Path(tempfile.mkdtemp(prefix="addonkit-page-"))
    home.chmod(0o711)
    backups = tempfile.mkdtemp(prefix="addonkit-page-", dir="/dev/shm")
    environment = {**os.environ, "ADDONKIT_HOME": str(home / "home"), "ADDONKIT_BACKUPS": f"file://{backups}"}
    try:
        for spec, app in CREATED:
            run(environment, "create", spec, "-a", app)
        run(environment, "backup", "create", "blog-postgresql")
        run(environment, "backup", "create", "wiki-valkey", "--no-verify")
        run(environment, "stop", "shop-valkey")
        token = run(environment, "token", "create", "laptop", "--role", "operator").strip()
        with serving(environment) as address:
            draw(address, token, path)
    finally:
        subprocess.run([*ADDONKIT, "stop", "--all"], env=environment, capture_output=True, check=False)
        for each in (home, backups):
            shutil.rmtree(each, ignore_errors=True)


def run(environment: dict[str, str], *words: str) -> str:
    """Run a command; return what it printed."""
    return subprocess.run([*ADDONKIT, *words], env=environment, capture_output=True, text=True, check=True).stdout


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    """Serve the home; the address of the page."""
    words = [*ADDONKIT, "serve", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield next(line.split()[-1] for line in process.stdout if "http://" in line)
    finally:
        process.terminate()
        process.communicate()


def draw(address: str, token: str, path: Path) -> None:
    """Log in, back an instance up, and take the picture while its steps are shown."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="light")
        page.goto(address)
        page.fill("#token", token)
        page.keyboard.press("Enter")
        back_up(page)
        page.mouse.move(0, 0)
        page.screenshot(path=path)
        browser.close()


def back_up(page: Page) -> None:
    """Back up the database of the shop; its steps stay open."""
    page.locator("#row-shop-postgresql button", has_text="Back up").click()
    page.wait_for_selector("[data-operation][data-state=succeeded]")
    page.wait_for_selector("#row-shop-postgresql .mark-yes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
