"""Endpoints: functions that answer requests, with what is known of each before it is called."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import NoneType
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

import attrs
from aiohttp import web

from addonkit.kit.kit import Kit
from addonkit.models.token import Role
from addonkit.server.access import Principal
from addonkit.server.metrics import Metrics
from addonkit.server.runner import OperationRunner

T = TypeVar("T")

LONG: Final = HTTPStatus.ACCEPTED
"""Status of an answer to a request that takes long: an operation."""

STREAM: Final = "text/event-stream"
"""Type of an answer that has no end of its own."""

_GIVEN: Final = frozenset({"call", "body", "query", "return"})


@attrs.frozen
class Call:
    """One request.

    Attributes:
        kit: what is asked.
        runner: begins long operations.
        metrics: numbers.
        principal: who asks.
        request: as it came.
        attempted: what is attempted, for messages.
        digest: of the request, when it begins an operation.
        operation: id of the operation that its Idempotency-Key stands for; empty without a key.
    """

    kit: Kit
    runner: OperationRunner
    metrics: Metrics
    principal: Principal
    request: web.Request
    attempted: str
    digest: str = ""
    operation: str = ""


@attrs.frozen
class Reply:
    """An answer with a status or headers of its own."""

    value: Any = None
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        items: in order.
        next: give it as `cursor` for the following part; null at the end.
    """

    items: tuple[T, ...]
    next: str | None


Handler = Callable[..., Awaitable[Any]]


@attrs.frozen
class Endpoint:
    """An endpoint of the API.

    Attributes:
        method: of HTTP.
        path: with the names of its parameters, as `/v1/apps/{app}`.
        handler: takes a Call, the parameters of the path by name, `body` and `query`.
        role: that is needed; None where no token is.
        status: of an answer that has none of its own.
        body: class of the request's body; None without one.
        query: class of what is behind `?`.
        gives: annotation of the answer; None without a body.
        current: the endpoint whose ETag `If-Match` is compared with.
        refusals: statuses of problems beside those that every endpoint may answer.
        media: type of the answer.
    """

    method: str
    path: str
    handler: Handler
    role: Role | None
    status: HTTPStatus
    body: Any = None
    query: Any = None
    gives: Any = None
    current: Endpoint | None = None
    refusals: tuple[HTTPStatus, ...] = ()
    media: str = "application/json"

    @property
    def name(self) -> str:
        """The name that clients are generated with."""
        return self.handler.__name__

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path's parameters."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def tag(self) -> str:
        """Return what it belongs to, as `apps`."""
        return (*self.path.split("/")[2:], "service")[0]


class Endpoints:
    """Collects the endpoints of a module."""

    def __init__(self) -> None:
        self.found: list[Endpoint] = []

    def __call__(
        self,
        method: str,
        path: str,
        role: Role | None = Role.READER,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        current: Endpoint | None = None,
        refusals: tuple[HTTPStatus, ...] = (),
        media: str = "application/json",
    ) -> Callable[[Handler], Endpoint]:
        """Declare that a function answers a method on a path."""

        def declare(handler: Handler) -> Endpoint:
            hints = get_type_hints(handler, include_extras=True)
            gives = _given(hints["return"])
            made = Endpoint(
                method,
                path,
                handler,
                role,
                status,
                hints.get("body"),
                hints.get("query"),
                gives,
                current,
                refusals,
                media,
            )
            assert set(inspect.signature(handler).parameters) - _GIVEN == set(made.parameters), path
            self.found.append(made)
            return made

        return declare


def _given(annotation: Any) -> Any:
    """Return what an answer holds, whether or not it has a status or headers of its own; None for nothing."""
    kept = [each for each in get_args(annotation) or (annotation,) if each not in {Reply, NoneType}]
    return annotation if get_origin(annotation) is Page else kept[0] if kept else None
