"""The page, asked as browsers and attackers ask it. What browsers make of it: tests/lifecycle/test_page.py."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from addonkit.models.execution import Event, EventKind
from addonkit.models.token import Role, Token
from addonkit.server.audit import NAME, REFUSED
from addonkit.server.page import sessions, throttle
from addonkit.server.page.login import own_path
from addonkit.server.page.rendering import ago, prose
from addonkit.server.page.sessions import Sessions
from addonkit.server.page.steps import steps
from addonkit.server.page.throttle import Throttle
from addonkit.server.problems import Refused

from .conftest import SECRET, Answer, Client, Served, Shelf

SHOP = {"addon": "shelf", "app": "shop"}


@attrs.define
class Browser:
    """Keeps cookies and sends forms, and follows no redirect by itself."""

    session: aiohttp.ClientSession
    base: str
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(self.base + path, headers=sent, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        form = {"csrf": self.csrf, **fields}
        sent = {"Origin": self.base} if headers is None else headers
        async with self.session.post(self.base + path, data=form, headers=sent, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def log_in(self, token: str, next: str = "/") -> Answer:
        answer = await self.post("/login", token=token, next=next)
        if answer.status == 303:
            found = re.search(r'name="csrf" value="([^"]+)"', (await self.get("/")).text)
            assert found
            self.csrf = found[1]
        return answer


@pytest.fixture
async def browser(api: Served) -> AsyncIterator[Browser]:
    async with browsing(api) as found:
        yield found


@asynccontextmanager
async def browsing(api: Served) -> AsyncIterator[Browser]:
    address = next(line for line in api.said if "http://" in line).rpartition(" ")[2]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(session, address)


async def token(ask: Client, role: str, *apps: str) -> Any:
    return (await ask("POST", "/v1/tokens", {"name": role, "role": role, "apps": [*apps]})).data


def audit(home: Path, name: str = NAME) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / name).read_text().splitlines()]


async def test_a_token_gives_a_session_that_ends_with_it(ask: Client, browser: Browser, home: Path) -> None:
    for path in ("/", "/create", "/instances/shop-shelf", "/apps/shop", "/operations/x/events"):
        answer = await browser.get(path)
        assert (answer.status, answer.headers["Location"].partition("?")[0]) == (303, "/login"), path
    made = await token(ask, "operator")
    answer = await browser.log_in(made["text"])
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=Strict", f"Max-Age={sessions.LIFETIME}"} <= set(cookie.split("; "))
    assert made["text"] not in cookie
    page = await browser.get("/")
    assert page.status == 200
    assert "addonkit create postgresql -a shop" in page.text, "an empty page says what to run"
    assert (await browser.get("/login")).headers["Location"] == "/"
    await ask("DELETE", f"/v1/tokens/{made['id']}")
    assert (await browser.get("/")).status == 303
    assert made["text"] not in (home / "audit.log").read_text()
    assert (await browser.get("/v1/apps")).status == 401, "the API takes no cookies"


async def test_logging_out_ends_the_session_on_the_server(ask: Client, browser: Browser, api: Served) -> None:
    await browser.log_in((await token(ask, "reader"))["text"])
    kept = {each.key: each.value for each in browser.session.cookie_jar}
    answer = await browser.post("/logout")
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    async with browsing(api) as thief:
        thief.session.cookie_jar.update_cookies(kept)
        assert (await thief.get("/")).status == 303


async def test_behind_tls_the_cookie_is_of_this_host_alone(ask: Client, browser: Browser) -> None:
    text = (await token(ask, "reader"))["text"]
    proxied = {"Origin": browser.base.replace("http://", "https://")}
    answer = await browser.post("/login", proxied, token=text)
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    id, *attributes = rest.split("; ")
    assert (answer.status, name) == (303, f"__Host-addonkit-{browser.base.rpartition(':')[2]}")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(attributes)
    assert "Domain" not in rest, "a browser takes no `__Host-` cookie with one"

    browser.session.cookie_jar.clear()
    sent = {"Cookie": f"{name}={id}"}
    page = await browser.get("/", **sent)
    assert page.status == 200
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    left = await browser.post("/logout", {**proxied, **sent}, csrf=csrf[1])
    assert left.status == 303
    assert left.headers["Set-Cookie"].startswith(f'{name}=""; ')
    assert "Secure" in left.headers["Set-Cookie"].split("; "), "a browser forgets a `__Host-` cookie only by such"
    assert (await browser.get("/", **sent)).status == 303


async def test_every_page_keeps_other_sites_out(ask: Client, browser: Browser) -> None:
    await browser.log_in((await token(ask, "operator"))["text"])
    for path in ("/", "/login", "/create", "/instances/none", "/page/script.js", "/page/style.css", "/page/icon.svg"):
        headers = (await browser.get(path)).headers
        policy = dict(each.strip().partition(" ")[::2] for each in headers["Content-Security-Policy"].split(";"))
        assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'"), path
        assert (policy["frame-ancestors"], headers["X-Frame-Options"]) == ("'none'", "DENY"), path
        assert headers["Referrer-Policy"] == "same-origin", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Cache-Control"] == ("no-cache" if path.startswith("/page/") else "no-store"), path
    tag = (await browser.get("/page/style.css")).headers["ETag"]
    assert (await browser.get("/page/style.css", If_None_Match=tag)).status == 304


async def test_forms_of_other_sites_do_nothing(ask: Client, browser: Browser, api: Served) -> None:
    text = (await token(ask, "operator"))["text"]
    other = {"Origin": "http://evil.example"}
    assert (await browser.post("/login", other, token=text)).status == 403
    assert (await browser.post("/login", {}, token=text)).status == 403, "a browser always says where a form is from"
    await browser.log_in(text)
    for path, fields in {
        "/create": {"addon": "shelf:small", "app": "shop"},
        "/instances/x/stop": {},
        "/instances/x/destroy": {"typed": "x"},
        "/logout": {},
    }.items():
        same = {"Origin": browser.base}
        assert (await browser.post(path, other, **fields)).status == 403, path
        assert (await browser.post(path, {}, **fields)).status == 403, path
        assert (await browser.post(path, {**same, "Sec-Fetch-Site": "cross-site"}, **fields)).status == 403, path
        assert (await browser.post(path, same, **{**fields, "csrf": ""})).status == 403, path
        assert (await browser.post(path, same, **{**fields, "csrf": "x" * 43})).status == 403, path
    async with browser.session.post(f"{browser.base}/create", json={}, headers={"Origin": browser.base}) as answer:
        assert answer.status == 415
    assert (await browser.get("/")).status == 200
    assert not await api.kit.instances()
    port = {"Host": "localhost:1", "Origin": "http://evil.example"}
    assert (await ask("POST", "/v1/instances/x/stop", **port)).status == 403, "a port that leads to the socket"


async def test_a_client_that_guesses_has_to_wait(ask: Client, browser: Browser, home: Path) -> None:
    text = (await token(ask, "reader"))["text"]
    for _ in range(throttle.MOST):
        answer = await browser.log_in("ak_x_nonsense")
        assert (answer.status, "not known" in answer.text) == (401, True)
    answer = await browser.log_in(text)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) <= throttle.WITHIN
    refused = audit(home, REFUSED)
    assert {(each["path"], each["status"]) for each in refused} == {("/login", 401), ("/login", 429)}
    assert not [each for each in (text, "nonsense") if each in (home / REFUSED).read_text()]


def test_the_throttle_forgets_and_counts_networks() -> None:
    now = [0.0]
    found = Throttle(lambda: now[0])
    for number in range(throttle.MOST):
        found.note(f"2001:db8::{number:x}")
    with pytest.raises(Refused):
        found.check("2001:db8::ffff")
    found.check("2001:db8:0:1::1")
    found.check("192.0.2.1")
    for _ in range(throttle.MOST):
        found.note("::ffff:192.0.2.7")
    found.check("::ffff:192.0.2.8")  # a socket for both families, as systemd passes one
    with pytest.raises(Refused):
        found.check("192.0.2.7")
    now[0] = throttle.WITHIN + 1
    found.check("2001:db8::1")


async def test_sessions_end_with_time_and_are_bounded(api: Served) -> None:
    now = [0.0]
    token, _ = await api.kit.tokens.create("laptop", Role.READER)
    found = Sessions(api.kit.tokens, lambda: now[0])
    first = found.open(token)
    assert await found.find(first)
    now[0] = sessions.LIFETIME
    assert await found.find(first) is None
    ids = [found.open(token) for _ in range(sessions.MOST + 1)]
    assert await found.find(ids[0]) is None
    assert await found.find(ids[-1])
    gone = Token("gone", "x", Role.READER, "")
    assert await found.find(found.open(gone)) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/instances/shop-shelf", "/instances/shop-shelf"),
        ("/apps/shop", "/apps/shop"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/instances/x/../../..//evil.example", "/"),
        ("/instances/x\r\nSet-Cookie: a=b", "/"),
        ("/logout", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
async def test_a_login_leads_to_the_page_alone(ask: Client, browser: Browser, text: str, path: str) -> None:
    assert own_path(text) == path
    answer = await browser.log_in((await token(ask, "reader"))["text"], next=text)
    assert answer.headers["Location"] == path


async def test_what_was_asked_for_is_found_after_the_login(ask: Client, browser: Browser) -> None:
    assert (await browser.get("/instances/shop-shelf")).headers["Location"] == "/login?next=/instances/shop-shelf"
    form = await browser.get("/login?next=/instances/shop-shelf")
    assert 'name="next" value="/instances/shop-shelf"' in form.text
    assert "evil" not in (await browser.get("/login?next=//evil.example")).text


async def test_an_instance_from_its_form_to_its_end(ask: Client, browser: Browser, api: Served, home: Path) -> None:
    made = await token(ask, "operator")
    await browser.log_in(made["text"])
    assert 'value="shelf:wide"' in (await browser.get("/create")).text
    wrong = await browser.post("/create", addon="shelf:wide", app="no app!")
    assert (wrong.status, 'value="no app!"' in wrong.text, 'value="shelf:wide" required checked' in wrong.text) == (
        400,
        True,
        True,
    )
    created = await browser.post("/create", addon="shelf:wide", app="shop")
    assert (created.status, created.headers["Location"]) == (303, "/instances/shop-shelf")
    (operation,) = await api.kit.operation_log.list()
    assert operation.asked_by == f"token operator ({made['id']})"
    stream = await browser.get(f"/operations/{operation.id}/events")
    assert "event: step" in stream.text
    assert stream.text.rstrip().rpartition("event: ")[2].startswith("operation")
    last = re.findall(r"^id: (.+)$", stream.text, re.MULTILINE)[-1]
    resumed = await browser.get(f"/operations/{operation.id}/events", Last_Event_ID=last)
    assert "event: step" not in resumed.text

    overview = await browser.get("/")
    assert re.search(r'class="state ok">.*?active', overview.text)
    assert (await browser.get("/", If_None_Match=overview.headers["ETag"])).status == 304
    shown = (await browser.get("/instances/shop-shelf")).text
    for part in ("shelf:wide", "SHELF_URL", "SHELF_SIZE", "succeeded", ">make</span>"):
        assert part in shown, part
    app = (await browser.get("/apps/shop")).text
    assert "SHELF_SIZE" in app
    assert not [text for text in (overview.text, shown, app) if SECRET in text]

    refused = await browser.post("/instances/shop-shelf/stop", page="overview")
    assert (refused.status, "no server" in refused.text, "row-shop-shelf" in refused.text) == (404, True, True)
    before = (await browser.get("/instances/shop-shelf/destroy")).text
    assert "SHELF_URL" in before
    for typed in ("", "shop-shel", "SHOP-SHELF"):
        assert (await browser.post("/instances/shop-shelf/destroy", typed=typed)).status == 400
    assert api.shelf.made
    destroyed = await browser.post("/instances/shop-shelf/destroy", typed="shop-shelf")
    assert destroyed.headers["Location"] == "/"
    operation = (await api.kit.operation_log.list())[-1]
    await browser.get(f"/operations/{operation.id}/events")
    assert not api.shelf.made
    gone = await browser.get("/instances/shop-shelf")
    assert (gone.status, "no instance" in unescape(gone.text)) == (404, True)

    entries = [each for each in audit(home) if each["path"] == "/instances/shop-shelf/destroy"]
    assert [each["status"] for each in entries] == [400, 400, 400, 303]
    assert (entries[-1]["who"], entries[-1]["operation"]) == (f"token operator ({made['id']})", operation.id)


async def test_a_reader_sees_no_buttons_and_can_do_nothing(ask: Client, browser: Browser) -> None:
    await ask.settle(await ask("POST", "/v1/instances", SHOP))
    await browser.log_in((await token(ask, "reader"))["text"])
    for path in ("/", "/instances/shop-shelf", "/apps/shop"):
        text = (await browser.get(path)).text
        assert re.findall(r'<form[^>]*action="([^"]*)"', text) == ["/logout"], path
        assert 'href="/create"' not in text
        assert "/destroy" not in text
    for path in ("/create", "/instances/shop-shelf/destroy", "/instances/shop-shelf/restore?backup=x"):
        assert (await browser.get(path)).status == 403, path
    for act in ("start", "stop", "restart", "retry", "back-up", "verify", "restore"):
        assert (await browser.post(f"/instances/shop-shelf/{act}")).status == 403, act
    assert (await browser.post("/instances/shop-shelf/destroy", typed="shop-shelf")).status == 403
    assert (await browser.post("/create", addon="shelf", app="blog")).status == 403
    assert (await browser.post("/trash/x/undestroy")).status == 403


async def test_a_token_for_some_apps_sees_nothing_of_others(ask: Client, browser: Browser) -> None:
    for app in ("shop", "blog"):
        await ask.settle(await ask("POST", "/v1/instances", {"addon": "shelf", "app": app}))
    (other,) = [each for each in (await ask("GET", "/v1/operations")).data["items"] if each["apps"] == ["blog"]]
    await browser.log_in((await token(ask, "operator", "shop"))["text"])
    for path in ("/", "/instances/shop-shelf", "/apps/shop", "/create"):
        page = await browser.get(path)
        assert (page.status, "blog" in page.text) == (200, False), path
    assert "Findings need a token that reaches all apps" in (await browser.get("/")).text
    for path in (
        "/instances/blog-shelf",
        "/instances/blog-shelf/destroy",
        "/instances/blog-shelf/restore?backup=x",
        "/apps/blog",
        f"/operations/{other['id']}/events",
    ):
        assert (await browser.get(path)).status == 404, path
    for act in ("start", "stop", "restart", "retry", "back-up", "verify", "restore"):
        assert (await browser.post(f"/instances/blog-shelf/{act}")).status == 404, act
    assert (await browser.post("/instances/blog-shelf/destroy", typed="blog-shelf")).status == 404
    assert (await browser.post("/create", addon="shelf", app="blog")).status == 403

    tied = await ask("POST", "/v1/associations", {"instance": "shop-shelf", "app": "web", "alias": "more"})
    await ask.settle(tied)
    for path in ("/", "/instances/shop-shelf"):
        text = (await browser.get(path)).text
        assert not re.search(r"\bweb\b|MORE_SHELF_URL", text), path
        assert "/instances/shop-shelf/destroy" not in text, "another app would lose its data"
    refused = [await browser.post("/instances/shop-shelf/destroy", typed="shop-shelf")]
    refused += [await browser.post(f"/instances/shop-shelf/{act}") for act in ("stop", "retry", "back-up", "restore")]
    assert not [each for each in refused if each.status != 403 or re.search(r"\bweb\b", each.text)]


HOSTILE = "<img src=x onerror=alert(1)> \u202e\x1b[2J `rm <b>`"
"""Words of an addon that are markup, and turn around what follows."""


async def test_words_of_addons_stay_words(ask: Client, browser: Browser, shelf: Shelf) -> None:
    shelf.broken, shelf.problem = True, HOSTILE
    await browser.log_in((await token(ask, "operator"))["text"])
    await browser.post("/create", addon="shelf:small", app="shop")
    (operation,) = (await ask("GET", "/v1/operations")).data["items"]
    await ask.events(operation["id"])
    for path in ("/", "/instances/shop-shelf"):
        text = (await browser.get(path)).text
        assert "<img" not in text, path
        assert "&lt;img src=x onerror=alert(1)&gt;" in text, path
        assert "<code>rm &lt;b&gt;</code>" in text, path
        assert not re.search("[\u202e\x1b]", text), path
    wrong = await browser.post("/create", addon='"><script>alert(1)</script>', app="<script>")
    assert (wrong.status, "<script>" in wrong.text) == (400, False)
    hostile = await browser.get("/instances/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert (hostile.status, "<script>" in hostile.text) == (404, False)


def test_commands_in_sentences_are_code() -> None:
    assert prose("run `addonkit <x>` & wait") == "run <code>addonkit &lt;x&gt;</code> &amp; wait"
    assert prose("a lone ` stays <") == "a lone ` stays &lt;"


def test_steps_are_as_their_last_event_says(api: Served) -> None:
    now = api.kit.operation_log.now()

    def event(step: str, kind: EventKind, message: str, saga: str = "s") -> Event:
        return Event("e", saga, kind, message, now, step, 1, 2)

    found = steps(
        [
            event("", EventKind.STARTED, "s"),
            event("a", EventKind.STARTED, "make it"),
            event("a", EventKind.RETRYING, "make it: trying again (no room)"),
            event("b", EventKind.STARTED, "fill it"),
            event("a", EventKind.DONE, "make it"),
            event("b", EventKind.FAILED, "fill it: no"),
            event("a", EventKind.UNDONE, "make it"),
        ]
    )
    assert [(each.title, each.state, each.note) for each in found] == [
        ("make it", "undone", ""),
        ("fill it", "failed", "fill it: no"),
    ]
    assert ago(now, now) == "just now"
