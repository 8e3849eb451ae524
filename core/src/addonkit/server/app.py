"""The HTTP application: routes to endpoints, and what is done around every request."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection
from contextlib import ExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import web

from addonkit.errors import AddonkitError, InvalidInput, NotFound, StoreUnavailable
from addonkit.models.token import Role
from addonkit.server import bodies
from addonkit.server.access import Principal, identify, peer_user
from addonkit.server.audit import AuditLog, Entry
from addonkit.server.broker.routes import Broker
from addonkit.server.catalog import ENDPOINTS
from addonkit.server.connections import STREAMS, Connections
from addonkit.server.documents import TAGS, dump, matches, tag_of
from addonkit.server.endpoints import LONG, STREAM, Call, Endpoint, Reply
from addonkit.server.hosts import check_host
from addonkit.server.idempotency import digest_of, key_of, operation_id
from addonkit.server.page.routes import Page
from addonkit.server.problems import Refused, answer_bug, answer_error, answer_http
from addonkit.server.reading import read, read_query
from addonkit.server.request_notes import RequestNotes, begin, current, note_secrets, note_who
from addonkit.server.resources.operations import begun
from addonkit.server.runner import request_trace
from addonkit.server.schema import Text

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.metrics import Metrics
    from addonkit.server.runner import OperationRunner

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)


class Api:
    """Answers requests.

    Args:
        kit: what is asked.
        runner: begins long operations.
        metrics: numbers.
        hosts: names of this service, for requests over TCP.
        connections: those of requests.
    """

    def __init__(
        self,
        kit: Kit,
        runner: OperationRunner,
        metrics: Metrics,
        hosts: Collection[str] = (),
        connections: Collection[Connections] = (),
    ) -> None:
        self._kit = kit
        self._runner = runner
        self._metrics = metrics
        self._hosts = frozenset(hosts)
        self._audit = AuditLog(kit.home)
        self._streams: set[asyncio.Task[None]] = set()
        self._connections = connections

    def application(self) -> web.Application:
        """Return what aiohttp serves."""
        app = web.Application(middlewares=[self._around], client_max_size=bodies.MOST)
        app.on_shutdown.append(self._end_streams)
        for endpoint in ENDPOINTS:
            app.router.add_route(endpoint.method, endpoint.path, self._handler(endpoint))
        Broker(self._kit, self._runner, note_who, note_secrets).add_to(app.router)
        Page(self._kit, self._runner, self._metrics, self._note_stream).add_to(app)
        return app

    @web.middleware
    async def _around(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """Turn errors into problems, and write the audit log."""
        notes = begin()
        request_trace.set(self._runner.trace_of(request.headers))
        with ExitStack() as stack:
            for each in self._connections:
                stack.enter_context(each.working(request.transport))
            response = await self._answered(request, handler)
        if not response.prepared:
            response.headers["X-Request-Id"] = notes.id
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers.setdefault("Cache-Control", "no-store")
        if request.method not in {"GET", "HEAD", "OPTIONS"} or notes.reveals or response.status in _REFUSED:
            try:
                await asyncio.to_thread(self._audit.write, _entry(notes, request, response))
            except StoreUnavailable as error:
                _log.error("request %s: %s", notes.id, error)
                return answer_error(error, notes.id)
        return response

    async def _answered(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        id = current().id
        try:
            check_host(request, self._hosts)
            return await answer(request)
        except AddonkitError as error:
            return answer_error(error, id)
        except web.HTTPException as error:
            return answer_http(error, f"cannot {request.method[:20]} {request.path[:200]}", id)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001 - a bug: its trace is for the log, not for the client
            _log.exception("request %s failed", id)
            return answer_bug(id)

    def _handler(self, endpoint: Endpoint) -> Answer:
        async def handle(request: web.Request) -> web.StreamResponse:
            attempted = f"cannot {request.method} {request.path}"
            principal = await self._identify(endpoint, request, attempted)
            if endpoint.media == STREAM:
                self._note_stream(request)
            given = {**_path(endpoint, request, attempted), **await _sent(endpoint, request, attempted)}
            call = Call(self._kit, self._runner, self._metrics, principal, request, attempted)
            if endpoint.status is LONG:
                key = key_of(request, attempted)
                id = operation_id(principal.name, key) if key else ""
                call = attrs.evolve(call, digest=digest_of(request, given), operation=id)
                former = await self._kit.operation_log.find(id) if id else None
                if former is not None:
                    return _response(endpoint, request, begun(call, former))
            await self._check_unchanged(endpoint, call)
            if getattr(given.get("query"), "reveal", False):
                note_secrets()
            return _response(endpoint, request, await endpoint.handler(call, **given))

        return handle

    def _note_stream(self, request: web.Request) -> None:
        """Note a request that follows events.

        Raises:
            Refused: there are as many as there may be.
        """
        if len(self._streams) >= STREAMS:
            found = f"{STREAMS} clients follow events already"
            advice = "ask for the operation now and then, or try again later"
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE, f"cannot follow {request.path}", found, advice, Retry_After="5"
            )
        self._streams.add(request.task)
        request.task.add_done_callback(self._streams.discard)

    async def _end_streams(self, _app: web.Application) -> None:
        """End what would go on as long as its operation; clients come back."""
        for each in [*self._streams]:
            each.cancel()

    async def _identify(self, endpoint: Endpoint, request: web.Request, attempted: str) -> Principal:
        if endpoint.role is None:
            return _UNKNOWN
        principal = await identify(request, self._kit.tokens)
        note_who(principal)
        principal.require(endpoint.role, attempted)
        return principal

    async def _check_unchanged(self, endpoint: Endpoint, call: Call) -> None:
        """Compare `If-Match` with what is there now.

        Raises:
            InvalidInput: the header is malformed.
            Refused: it has changed.
        """
        wanted = call.request.headers.get("If-Match")
        if wanted is None or endpoint.current is None:
            return
        if not re.fullmatch(TAGS, wanted):
            raise InvalidInput(call.attempted, "If-Match holds no ETag", "send the ETag of what was read")
        current = endpoint.current
        given = _path(current, call.request, call.attempted)
        if current.query is not None:
            given["query"] = current.query()
        if not matches(wanted, tag_of(dump(await current.handler(call, **given)))):
            found = "it has changed since it was read"
            raise Refused(HTTPStatus.PRECONDITION_FAILED, call.attempted, found, "read it again")


def _response(endpoint: Endpoint, request: web.Request, given: Any) -> web.StreamResponse:
    if isinstance(given, web.StreamResponse):
        return given
    reply = given if isinstance(given, Reply) else Reply(given, endpoint.status)
    if endpoint.gives is None:
        return web.Response(status=reply.status, headers=reply.headers)
    document = dump(reply.value)
    headers = {**reply.headers}
    if request.method == "GET":
        headers["ETag"] = tag_of(document)
        headers["Cache-Control"] = "no-cache, private"
        if matches(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=document, status=reply.status, headers=headers, content_type=endpoint.media)


_LONGEST_PART: Final = Text().longest


def _path(endpoint: Endpoint, request: web.Request, attempted: str) -> dict[str, Any]:
    given: dict[str, Any] = {name: request.match_info[name] for name in endpoint.parameters}
    for name, text in given.items():
        if "\0" in text or not text.isprintable():
            raise NotFound(attempted, f"the {name} in the path has characters that no name has")
        if len(text) > _LONGEST_PART:
            raise NotFound(attempted, f"the {name} in the path has more than {_LONGEST_PART:,} characters")
    return given


async def _sent(endpoint: Endpoint, request: web.Request, attempted: str) -> dict[str, Any]:
    """Return what the function of an endpoint takes: the body and what is behind `?`."""
    found: dict[str, Any] = {}
    query = request.query
    if len(set(query)) != len(query):
        raise InvalidInput(attempted, "a name behind ? is there twice")
    if endpoint.query is not None:
        found["query"] = read_query(endpoint.query, query, attempted)
    elif query:
        raise InvalidInput(attempted, f"there is no parameter {next(iter(query))[:100]!r}")
    if endpoint.body is not None:
        found["body"] = read(endpoint.body, await _document(request, attempted), attempted)
    return found


async def _document(request: web.Request, attempted: str) -> object:
    body = await bodies.read_body(request, "application/json", attempted)
    try:
        document: object = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(attempted, f"its body is no JSON: {str(error)[:200]}") from None
    return document


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _entry(notes: RequestNotes, request: web.Request, response: web.StreamResponse) -> Entry:
    where = "unix" if peer_user(request) is not None else str(request.remote)
    begun, _, id = response.headers.get("Location", "").rpartition("/")
    operation = id if begun == "/v1/operations" else notes.operation
    path = request.path[:500]
    return Entry(datetime.now(UTC), notes.who, where, request.method, path, response.status, notes.id, operation)


_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST})

_UNKNOWN: Final = Principal("", Role.READER)
