"""Service bindings of platforms: credentials of their own for each."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import attrs
from aiohttp import web

from addonkit.errors import AddonkitError, NotFound
from addonkit.models.broker import BrokerVerb, ServiceBinding, ServiceInstance
from addonkit.models.operation import Operation, OperationState
from addonkit.server.broker.catalog import find
from addonkit.server.broker.instances import ServiceInstances, stand_in
from addonkit.server.broker.tracking import is_gone, is_made, runs
from addonkit.server.broker.wire import BrokerError, Request, accepted, bad, concurrent, gone, unknown_binding

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.broker.tracking import Tracker

_ENDPOINTS: Final = 15


class ServiceBindings:
    """Answers requests about service bindings."""

    def __init__(self, kit: Kit, tracker: Tracker, instances: ServiceInstances) -> None:
        self._kit = kit
        self._records = kit.broker_records
        self._tracker = tracker
        self._instances = instances

    async def bind(self, instance: str, id: str, asked: Request) -> web.Response:
        """Give credentials, or find those that the same request gave."""
        plan = find(self._kit.registry, asked.text("service_id"), asked.text("plan_id"))
        wanted = self._wanted(instance, id, asked)
        owner = await self._instances.usable(instance)
        if (owner.service_id, owner.plan_id) != (plan.service_id, plan.plan_id):
            raise bad("the service instance has another service or plan")
        predecessor = asked.text("predecessor_binding_id", needed=False)
        if predecessor:
            former, operation = await self._current(instance, predecessor)
            if not plan.rotatable or former is None or not is_made(former, operation):
                raise bad("the predecessor is no binding of this service instance that can be rotated")
        record, operation = await self._current(instance, id)
        if record is None or is_gone(record, operation):
            return await self._make(record, wanted, owner, asked)
        return await self._again(record, operation, wanted, owner, asked)

    async def show(self, instance: str, id: str, asked: Request) -> web.Response:
        """Show a binding with its credentials."""
        record, operation = await self._current(instance, id)
        if record is None or not is_made(record, operation):
            raise unknown_binding()
        return web.json_response({**await self._credentials(record, asked), "parameters": {}})

    async def unbind(self, instance: str, id: str, asked: Request) -> web.Response:
        """Take credentials back."""
        asked.asked("service_id"), asked.asked("plan_id")
        record, operation = await self._current(instance, id)
        if record is None or is_gone(record, operation):
            raise gone()
        if runs(operation):
            if record.verb is BrokerVerb.REMOVE and asked.takes_async:
                return accepted(record.operation)
            raise concurrent()
        wanted = attrs.evolve(record, verb=BrokerVerb.REMOVE, operation=self._tracker.new_id())
        removed = await self._records.replace(record, wanted)
        owner = await self._records.instance(instance)
        try:
            name = await self._instances.name(owner) if owner else ""
            await self._tracker.begin(removed.operation, "detach", {"instance": name, "app": record.app})
        except (NotFound, BrokerError):  # it went with its service instance, or never was
            await self._records.remove(removed)
            return web.json_response({})
        return await self._answer(removed, asked, HTTPStatus.OK)

    async def last_operation(self, instance: str, id: str, asked: Request) -> web.Response:
        """Tell what came of the last request."""
        record, operation = await self._current(instance, id)
        if record is None:
            raise unknown_binding()
        if asked.query.get("operation", record.operation) != record.operation:
            raise bad("the operation is not the last one of this service binding")
        if operation is None:
            raise gone() if record.verb is BrokerVerb.REMOVE else unknown_binding()
        return web.json_response(await self._tracker.last(operation))

    def _wanted(self, instance: str, id: str, asked: Request) -> ServiceBinding:
        if asked.tree("parameters"):
            raise bad("bindings have no parameters")
        resource = asked.tree("bind_resource")
        kept = {"service_id": asked.text("service_id"), "plan_id": asked.text("plan_id"), "bind_resource": resource}
        kept["app_guid"] = asked.text("app_guid", needed=False)
        kept["predecessor"] = asked.text("predecessor_binding_id", needed=False)
        app = stand_in("binding", f"{instance}.{id}")
        return ServiceBinding(id, instance, kept, app, self._tracker.new_id())

    async def _current(self, instance: str, id: str) -> tuple[ServiceBinding | None, Operation | None]:
        record = await self._records.binding(instance, id)
        if record is None:
            return None, None
        return record, await self._tracker.find(record.operation)

    async def _again(
        self,
        record: ServiceBinding,
        operation: Operation | None,
        wanted: ServiceBinding,
        owner: ServiceInstance,
        asked: Request,
    ) -> web.Response:
        if record.verb is BrokerVerb.REMOVE:
            raise concurrent()
        if record.asked != wanted.asked:
            raise BrokerError(HTTPStatus.CONFLICT, "a service binding of this id has other attributes")
        if runs(operation):
            return await self._answer(record, asked, HTTPStatus.OK)
        if is_made(record, operation) and await self._is_attached(record):
            return web.json_response(await self._credentials(record, asked))
        return await self._make(record, wanted, owner, asked)

    async def _make(
        self, former: ServiceBinding | None, wanted: ServiceBinding, owner: ServiceInstance, asked: Request
    ) -> web.Response:
        arguments = {"instance": await self._instances.name(owner), "app": wanted.app, "alias": "", "socket": False}
        record = await self._records.replace(former, wanted)
        try:
            await self._tracker.begin(record.operation, "attach", arguments)
        except AddonkitError:
            await self._records.remove(record)
            raise
        return await self._answer(record, asked, HTTPStatus.CREATED)

    async def _answer(self, record: ServiceBinding, asked: Request, status: HTTPStatus) -> web.Response:
        """Answer with the operation, or wait for its end where the platform does not wait itself."""
        if asked.takes_async:
            return accepted(record.operation)
        ended = await self._tracker.wait(record.operation)
        if ended is None:
            raise BrokerError(HTTPStatus.SERVICE_UNAVAILABLE, "it takes too long: send accepts_incomplete=true")
        if ended.state is OperationState.FAILED:
            raise BrokerError(HTTPStatus.INTERNAL_SERVER_ERROR, str((ended.problem or {}).get("detail", "it failed")))
        body = {} if record.verb is BrokerVerb.REMOVE else await self._credentials(record, asked)
        return web.json_response(body, status=status)

    async def _is_attached(self, record: ServiceBinding) -> bool:
        return await self._kit.has_app(record.app)

    async def _credentials(self, record: ServiceBinding, asked: Request) -> dict[str, Any]:
        try:
            variables = (await self._kit.environment(record.app)).values
        except NotFound:
            raise unknown_binding() from None
        found: dict[str, Any] = dict(variables)
        url = next((value for name, value in variables.items() if name.endswith("_URL")), "")
        parts = urlsplit(url)
        if parts.hostname:
            found |= _parts(url)
        if parts.hostname and parts.port and asked.minor >= _ENDPOINTS:
            return {"credentials": found, "endpoints": [{"host": parts.hostname, "ports": [str(parts.port)]}]}
        return {"credentials": found}


def _parts(url: str) -> dict[str, Any]:
    """The parts of a URL under the names that libraries of platforms look for."""
    parts = urlsplit(url)
    named = {
        "uri": url,
        "host": parts.hostname,
        "port": parts.port,
        "username": parts.username and unquote(parts.username),
        "password": parts.password and unquote(parts.password),
        "database": unquote(parts.path.lstrip("/")),
    }
    return {name: value for name, value in named.items() if value}
