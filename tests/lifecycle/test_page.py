"""The page in a real browser: worked with by the keyboard alone, looked at by axe-core, without a network."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from addonkit.testing.command import CommandLine
from addonkit.testing.serving import free_port

pytestmark = pytest.mark.slow

LIMIT = 60_000
"""Milliseconds."""

ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""No name leads anywhere."""


@contextmanager
def served(addonkit: CommandLine, port: int) -> Iterator[str]:
    process = addonkit.start("serve", "--listen", f"127.0.0.1:{port}")
    try:
        assert process.stdout is not None
        address = next(line.split()[-1] for line in process.stdout if "http://" in line)
        yield address
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", ALONE])
        yield launched
        launched.close()


class Window:
    """A window of the browser, worked with by the keyboard; notes what goes wrong in it."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.page: Page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        self.page.set_default_timeout(LIMIT)
        expect.set_options(timeout=LIMIT)
        self.address = address
        self.wrong: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(f"{self.address}/"):
            self.wrong.append(f"asked {request.url}")

    def reach(self, selector: str) -> None:
        """Press Tab until the focus is there."""
        matches = "selector => document.activeElement.matches(selector)"
        for _ in range(120):
            if self.page.evaluate(matches, selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {selector}")

    def press(self, selector: str, key: str = "Enter") -> None:
        self.reach(selector)
        self.page.keyboard.press(key)

    def write(self, selector: str, text: str) -> None:
        self.reach(selector)
        self.page.keyboard.type(text)

    def log_in(self, token: str) -> None:
        self.page.goto(self.address)
        self.write("#token", token)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("h1")).to_have_text("Instances")

    def look(self) -> None:
        """axe-core finds nothing, in light and dark; nothing is wider than a phone or a screen."""
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = Axe().run(self.page).response["violations"]
            assert not found, json.dumps([(each["id"], each["nodes"]) for each in found], indent=1)[:4000]
        for width in (360, 1600, 1280):
            self.page.set_viewport_size({"width": width, "height": 800})
            assert self.page.evaluate("document.documentElement.scrollWidth") <= width

    def ended(self, verb: str, state: str = "succeeded") -> None:
        """Wait until an operation has ended; it is the newest."""
        newest = self.page.locator(f"[data-operation][data-name^='{verb}']").first
        expect(newest).to_have_attribute("data-state", state)


def pid_of(home: Path) -> int:
    (record,) = home.glob("pools/postgresql-*/record")
    return int(json.loads(record.read_text())["pid"])


@pytest.fixture
def addonkit(home: Path) -> CommandLine:
    return CommandLine(home, {"ADDONKIT_TRASH": "7d", "ADDONKIT_BACKUPS": f"file://{home}-backups"})


@pytest.mark.timeout(300)
def test_an_operator_works_with_the_page(addonkit: CommandLine, home: Path, browser: Browser) -> None:
    token = addonkit("token", "create", "laptop", "--role", "operator").out.strip()
    with served(addonkit, free_port()) as address:
        window = Window(browser, address)
        window.page.goto(address)
        window.look()
        window.log_in(token)
        window.look()
        create(window)
        see_it_come_back(window, home)
        back_up_and_restore(window)
        stop_and_start(window)
        destroy_and_bring_back(window)
        window.page.goto(f"{address}/apps/shop")
        expect(window.page.locator("#variables")).to_have_text("Variables")
        window.look()
        assert not window.wrong
        window.press(".bar form button")
        expect(window.page.locator("h1")).to_have_text("Log in")
    log = (home / "audit.log").read_text()
    for act in ("create", "back-up", "restore", "stop", "start", "destroy", "undestroy"):
        assert re.search(rf'"who": "token laptop [^"]*".*"path": "[^"]*/?{act}", "status": 303', log), act
    assert token not in log


def create(window: Window) -> None:
    page = window.page
    expect(page.locator(".empty.big code")).to_have_text("addonkit create postgresql -a shop")
    window.press("nav a[href='/create']")
    expect(page.locator("h1")).to_have_text("Create an instance")
    window.look()
    window.write("#app", "shop")
    window.press("input[name=addon]", " ")
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[value='postgresql:shared']")).to_be_checked()
    window.press("main button")
    expect(page.locator("h1")).to_have_text("shop-postgresql")
    expect(page.locator(".step.done").first).to_be_visible()
    window.ended("create")
    expect(page.locator(".head .state")).to_have_text("running")
    expect(page.locator("#said")).to_have_text("create shop-postgresql succeeded")
    expect(page.locator(".names code").first).to_have_text("DATABASE_URL")
    expect(page.locator("#lines")).to_contain_text("ready to accept connections")
    window.look()


def see_it_come_back(window: Window, home: Path) -> None:
    former = pid_of(home)
    os.kill(former, signal.SIGKILL)
    window.page.goto(window.address)
    row = window.page.locator("#row-shop-postgresql")
    expect(row).to_contain_text("restarted 1 time")
    expect(row.locator(".state")).to_have_text("running")
    assert pid_of(home) != former


def back_up_and_restore(window: Window) -> None:
    page = window.page
    window.press("form[action$='/shop-postgresql/back-up'] button")
    expect(page.locator(".step.running").first).to_be_visible()
    assert page.evaluate("document.activeElement.textContent").startswith("Back up"), "the focus stays"
    window.ended("back up")
    expect(page.locator("#row-shop-postgresql .mark-yes")).to_have_text("verified")
    window.look()

    window.press("a[href='/instances/shop-postgresql']")
    expect(page.locator("h1")).to_have_text("shop-postgresql")
    window.press("a[href*='/restore?backup=']")
    expect(page.locator("h1")).to_have_text("Restore shop-postgresql")
    window.look()
    window.press("main button")
    expect(page.locator("h1")).to_have_text("shop-postgresql")
    window.ended("restore")
    expect(page.locator(".head .state")).to_have_text("running")


def stop_and_start(window: Window) -> None:
    state = window.page.locator(".head .state")
    window.press("form[action$='/stop'] button")
    expect(state).to_have_text("stopped")
    window.press("form[action$='/start'] button")
    expect(state).to_have_text("running")


def destroy_and_bring_back(window: Window) -> None:
    page = window.page
    row = page.locator("#row-shop-postgresql")
    window.press("a[href='/instances/shop-postgresql/destroy']")
    expect(page.locator("h1")).to_have_text("Destroy shop-postgresql")
    window.write("#typed", "shop-postgres")
    expect(page.locator("main button")).to_be_disabled()
    window.look()
    window.write("#typed", "ql")
    window.press("main button")
    expect(page.locator("h1")).to_have_text("Instances")
    window.ended("destroy")
    expect(row).to_have_count(0)
    window.press("form[action$='/undestroy'] button")
    window.ended("bring back")
    expect(row.locator(".state")).to_have_text("running")


def test_a_reader_looks_and_the_page_says_when_it_is_alone(addonkit: CommandLine, browser: Browser, home: Path) -> None:
    token = addonkit("token", "create", "guest").out.strip()
    assert addonkit("create", "valkey", "-a", "shop").status == 0
    port = free_port()
    with served(addonkit, port) as address:
        window = Window(browser, address)
        window.log_in(token)
        row = window.page.locator("#row-shop-valkey")
        expect(row.locator(".state")).to_have_text("running")
        window.look()
        assert window.page.locator("main button").count() == 0
        assert addonkit("create", "valkey:shared", "-a", "blog").status == 0
        expect(window.page.locator("#row-blog-valkey")).to_be_visible()
        window.write("#filter", "cache blog")
        expect(window.page.locator("#nothing")).to_be_visible()
        for _ in "cache ":
            window.page.keyboard.press("Home")
            window.page.keyboard.press("Delete")
        expect(row).to_be_hidden()
        expect(window.page.locator("#row-blog-valkey")).to_be_visible()
        window.page.goto(f"{address}/instances/shop-valkey")
        assert window.page.locator("main button").count() == 0
        window.look()
        assert not window.wrong
    expect(window.page.locator("#lost")).to_contain_text("No answer since")
    with served(addonkit, port):
        expect(window.page.locator("h1")).to_have_text("Log in")
    assert [each for each in window.wrong if "ERR_CONNECTION_REFUSED" not in each] == []
