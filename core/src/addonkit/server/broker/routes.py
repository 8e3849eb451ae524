"""The paths of the Open Service Broker API, below `/broker`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import attrs
from aiohttp import web

from addonkit.errors import AddonkitError
from addonkit.kit.broker_records import Overtaken
from addonkit.server.access import Principal
from addonkit.server.broker.bindings import ServiceBindings
from addonkit.server.broker.catalog import catalog, offered
from addonkit.server.broker.instances import ServiceInstances
from addonkit.server.broker.tracking import Tracker
from addonkit.server.broker.wire import BrokerError, Request, authenticate, concurrent, of_error, read
from addonkit.server.documents import dump, matches, tag_of

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.runner import OperationRunner

Work = Callable[[web.Request, Request], Awaitable[web.Response]]

_TURNS: Final = 10
"""Requests about the same thing that may be quicker than one."""

_INSTANCE: Final = "/broker/v2/service_instances/{instance}"
_BINDING: Final = f"{_INSTANCE}/service_bindings/{{binding}}"


class Broker:
    """Answers platforms.

    Args:
        kit: what is asked.
        runner: carries out operations.
        known: called with each platform that is known.
        reveals: called when a request asks for secrets.
    """

    def __init__(
        self, kit: Kit, runner: OperationRunner, known: Callable[[Principal], None], reveals: Callable[[], None]
    ) -> None:
        self._kit = kit
        self._known = known
        self._reveals = reveals
        tracker = Tracker(kit, runner)
        self._instances = ServiceInstances(kit, tracker)
        self._bindings = ServiceBindings(kit, tracker, self._instances)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the paths of the broker."""
        instances, bindings = self._instances, self._bindings

        def of_instance(work: Callable[[str, Request], Awaitable[web.Response]]) -> Work:
            return lambda request, asked: work(request.match_info["instance"], asked)

        def of_binding(work: Callable[[str, str, Request], Awaitable[web.Response]]) -> Work:
            return lambda request, asked: work(request.match_info["instance"], request.match_info["binding"], asked)

        table: tuple[tuple[str, str, Work], ...] = (
            ("GET", "/broker/v2/catalog", self._catalog),
            ("PUT", _INSTANCE, of_instance(instances.provision)),
            ("GET", _INSTANCE, of_instance(instances.show)),
            ("PATCH", _INSTANCE, of_instance(instances.update)),
            ("DELETE", _INSTANCE, of_instance(instances.deprovision)),
            ("GET", f"{_INSTANCE}/last_operation", of_instance(instances.last_operation)),
            ("PUT", _BINDING, of_binding(bindings.bind)),
            ("GET", _BINDING, self._revealing(of_binding(bindings.show))),
            ("DELETE", _BINDING, of_binding(bindings.unbind)),
            ("GET", f"{_BINDING}/last_operation", of_binding(bindings.last_operation)),
        )
        for method, path, work in table:
            router.add_route(method, path, self._handler(work))

    def _handler(self, work: Work) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                principal = await authenticate(request, self._kit.tokens)
                self._known(principal)
                asked = await read(request)
                self._known(attrs.evolve(principal, name=f"{principal.name}{asked.on_behalf_of}"))
                response = await _in_turn(work, request, asked)
            except BrokerError as refused:
                response = refused.answer()
            except AddonkitError as error:
                response = of_error(error).answer()
            if response.status == HTTPStatus.UNAUTHORIZED:
                response.headers["WWW-Authenticate"] = 'Basic realm="addonkit"'
            identity = request.headers.get("X-Broker-API-Request-Identity", "")
            if identity and identity.isprintable():
                response.headers["X-Broker-API-Request-Identity"] = identity
            return response

        return handle

    def _revealing(self, work: Work) -> Work:
        def reveal(request: web.Request, asked: Request) -> Awaitable[web.Response]:
            self._reveals()
            return work(request, asked)

        return reveal

    async def _catalog(self, request: web.Request, asked: Request) -> web.Response:
        plans = await asyncio.to_thread(offered, self._kit.registry)
        document = dump(catalog(plans, asked.minor))
        headers = {"ETag": tag_of(document)}
        if matches(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=document, headers=headers, content_type="application/json")


async def _in_turn(work: Work, request: web.Request, asked: Request) -> web.Response:
    """Answer; after another request that was quicker, by what that one has made of it."""
    for _ in range(_TURNS):
        try:
            return await work(request, asked)
        except Overtaken:
            continue
    raise concurrent()
