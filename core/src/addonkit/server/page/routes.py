"""The paths of the page: what is shown, what forms do, logging in and out, and its files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import web

from addonkit.errors import AddonkitError
from addonkit.server.documents import matches, tag_of
from addonkit.server.endpoints import Call
from addonkit.server.page import actions
from addonkit.server.page.answers import page, see_other
from addonkit.server.page.files import add_files
from addonkit.server.page.login import Login
from addonkit.server.page.reading import read_form
from addonkit.server.page.security import HEADERS, check_form, check_origin, session_id
from addonkit.server.page.sessions import Sessions
from addonkit.server.page.views import Views
from addonkit.server.page.visit import PageResponse, Redirect, Visit
from addonkit.server.problems import status_of
from addonkit.server.resources.operations import stream_operation_events

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.metrics import Metrics
    from addonkit.server.runner import OperationRunner

Work = Callable[[Visit], Awaitable[PageResponse | Redirect | web.StreamResponse]]

_INSTANCE: Final = "/instances/{name}"


class Page:
    """Answers browsers.

    Args:
        kit: what is asked.
        runner: begins long operations.
        metrics: numbers.
        streams: called with each request whose answer has no end of its own.
    """

    def __init__(
        self, kit: Kit, runner: OperationRunner, metrics: Metrics, streams: Callable[[web.Request], None]
    ) -> None:
        self._kit = kit
        self._runner = runner
        self._metrics = metrics
        self._streams = streams
        self._sessions = Sessions(kit.tokens)
        self._login = Login(kit.tokens, self._sessions)
        self._views = Views(kit)

    def add_to(self, app: web.Application) -> None:
        """Add the paths of the page."""
        views, router = self._views, app.router
        shown: Mapping[str, Work] = {
            "/": views.overview,
            "/create": views.create,
            _INSTANCE: lambda visit: views.instance(visit, _name(visit)),
            f"{_INSTANCE}/destroy": lambda visit: views.destroy(visit, _name(visit)),
            f"{_INSTANCE}/restore": lambda visit: views.restore(visit, _name(visit), _backup(visit)),
            "/apps/{name}": lambda visit: views.app(visit, _name(visit)),
            "/operations/{name}/events": self._stream,
        }
        for path, work in shown.items():
            router.add_get(path, self._handler(work))
        router.add_post("/create", self._handler(actions.create, views.create))
        router.add_post("/trash/{name}/undestroy", self._handler(_named(actions.undestroy), views.overview))
        for name, act in actions.ACTIONS.items():
            router.add_post(f"{_INSTANCE}/{name}", self._handler(_named(act), self._form_of(name)))
        router.add_post("/logout", self._handler(self._log_out))
        router.add_get("/login", self._guarded(self._login.form))
        router.add_post("/login", self._guarded(self._login.submit))
        add_files(router)
        app.on_cleanup.append(self._close)

    def _form_of(self, action: str) -> Work:
        """Return the page that has the form of an action, to show it again with an error."""
        views = self._views
        if action == "destroy":
            return lambda visit: views.destroy(visit, _name(visit))

        async def form(visit: Visit) -> PageResponse:
            if visit.form.get("page") == "overview":
                return await views.overview(visit)
            return await views.instance(visit, _name(visit))

        return form

    def _handler(self, work: Work, form: Work | None = None) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return what answers logged-in browsers; others are led to the login.

        Args:
            work: answers.
            form: the page that is shown again with the error, when `work` raises one.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            visit = await self._visit(request)
            if visit is None:
                wanted = request.path if request.method == "GET" else "/"
                return see_other(f"/login?next={quote(wanted)}" if wanted != "/" else "/login")
            try:
                found = await work(visit)
            except AddonkitError as error:
                found = await _again(visit, form, error)
            return _answer(visit, found)

        return self._guarded(handle)

    def _guarded(
        self, handle: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Show errors as pages, and add the headers that every page has."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                response = await handle(request)
            except AddonkitError as error:
                response = page("error.html", status_of(error), error=error, visit=None)
                response.headers.update(getattr(error, "headers", {}))
            if not response.prepared:
                response.headers.update(HEADERS)
                response.headers["Cache-Control"] = "no-store"
            return response

        return guarded

    async def _visit(self, request: web.Request) -> Visit | None:
        """Return the request of a browser that is logged in; None without a session.

        Raises:
            Refused: it changes something and was not sent by a form of this session.
        """
        attempted = f"cannot {request.method} {request.path}"
        found = await self._sessions.find(session_id(request))
        if found is None:
            return None
        session, token = found
        principal = self._login.know(token)
        form: Mapping[str, str] = {}
        if request.method == "POST":
            check_origin(request, attempted)
            form = await read_form(request, attempted)
            check_form(form.get("csrf", ""), session.csrf, attempted)
        return Visit(Call(self._kit, self._runner, self._metrics, principal, request, attempted), session, form)

    async def _stream(self, visit: Visit) -> web.StreamResponse:
        self._streams(visit.call.request)
        response: web.StreamResponse = await visit.ask(stream_operation_events, operation=_name(visit))
        return response

    async def _log_out(self, visit: Visit) -> web.StreamResponse:
        return self._login.leave(visit.call.request)

    async def _close(self, _app: web.Application) -> None:
        await self._views.close()


async def _again(visit: Visit, form: Work | None, error: AddonkitError) -> PageResponse:
    """Show an error on the page that has the form, where that page can be shown."""
    if form is not None:
        try:
            found = await form(visit)
        except AddonkitError:
            found = None
        if isinstance(found, PageResponse):
            return PageResponse(found.template, found.context, error)
    return PageResponse("error.html", {}, error)


def _answer(visit: Visit, found: PageResponse | Redirect | web.StreamResponse) -> web.StreamResponse:
    if isinstance(found, web.StreamResponse):
        return found
    if isinstance(found, Redirect):
        return see_other(found.path)
    status = status_of(found.error) if found.error else HTTPStatus.OK
    response = page(found.template, status, **found.context, visit=visit, error=found.error)
    tag = tag_of(response.body) if isinstance(response.body, bytes) else ""
    if status is HTTPStatus.OK and matches(visit.call.request.headers.get("If-None-Match", ""), tag):
        response = web.Response(status=HTTPStatus.NOT_MODIFIED)
    response.headers["ETag"] = tag
    return response


def _named(act: Callable[[Visit, str], Awaitable[Redirect]]) -> Work:
    return lambda visit: act(visit, _name(visit))


def _name(visit: Visit) -> str:
    return visit.call.request.match_info["name"]


def _backup(visit: Visit) -> str:
    return visit.call.request.query.get("backup", "")
