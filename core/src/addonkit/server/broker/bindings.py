"""Service bindings of platforms: credentials of their own for each."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import attrs
from aiohttp import web

from addonkit.errors import NotFound
from addonkit.models.broker import BrokerVerb, ServiceBinding
from addonkit.models.operation import OperationState, new_operation_id
from addonkit.server.broker.app_names import stand_in
from addonkit.server.broker.catalog import Offered, find
from addonkit.server.broker.instances import ServiceInstances
from addonkit.server.broker.tracking import Tracked, polled, reason_of
from addonkit.server.broker.wire import (
    BrokerError,
    Request,
    accepted,
    bad,
    concurrent,
    gone,
    needs_async,
    unknown_binding,
)

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.instance import Instance
    from addonkit.models.operation import Operation
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
        service, plan_id = asked.text("service_id"), asked.text("plan_id")
        plan = find(self._kit.registry, service, plan_id)
        wanted = self._wanted(instance, id, asked)
        owner, made = await self._instances.usable(instance)
        found = await self._find(instance, id)
        if found is not None and not found.is_gone:
            return await self._again(found, wanted, made, asked)
        if (owner.service_id, owner.plan_id) != (plan.service_id, plan.plan_id):
            raise bad("the service instance has another service or plan")
        await self._check_predecessor(instance, plan, asked)
        return await self._make(found.record if found else None, wanted, made, asked)

    async def show(self, instance: str, id: str, asked: Request) -> web.Response:
        """Show a binding with its credentials."""
        found = await self._find(instance, id)
        if found is None or not found.is_made:
            raise unknown_binding()
        return web.json_response({**await self._credentials(found.record, asked), "parameters": {}})

    async def unbind(self, instance: str, id: str, asked: Request) -> web.Response:
        """Take credentials back."""
        asked.asked("service_id"), asked.asked("plan_id")
        found = await self._find(instance, id)
        if found is None or found.is_gone:
            raise gone()
        if found.is_being_removed:
            return await self._answer(found.record, asked, HTTPStatus.OK)
        if found.runs:
            raise concurrent()
        owner = await self._records.instance(instance)
        made = await self._records.made_for(owner) if owner else None
        if made is None or not found.is_there:  # it failed before anything was made
            await self._records.restore(found.record, None)
            return web.json_response({})
        wanted = attrs.evolve(found.record, verb=BrokerVerb.REMOVE, operation=new_operation_id())
        record = await self._records.replace(found.record, wanted)
        await self._tracker.begin_anew(found.record, record, "detach", _detach(record, made))
        return await self._answer(record, asked, HTTPStatus.OK)

    async def last_operation(self, instance: str, id: str, asked: Request) -> web.Response:
        """Tell what came of the last request."""
        found = await self._find(instance, id)
        if found is None:
            raise unknown_binding()
        if asked.query.get("operation", found.record.operation) != found.record.operation:
            raise bad("the operation is not the last one of this service binding")
        if found.operation is None and found.is_gone:
            raise gone() if found.record.verb is BrokerVerb.REMOVE else unknown_binding()
        return polled(found, await self._tracker.last(found))

    def _wanted(self, instance: str, id: str, asked: Request) -> ServiceBinding:
        if asked.tree("parameters"):
            raise bad("bindings have no parameters")
        resource = asked.tree("bind_resource")
        kept = {"service_id": asked.text("service_id"), "plan_id": asked.text("plan_id"), "bind_resource": resource}
        kept["app_guid"] = asked.text("app_guid", needed=False)
        kept["predecessor"] = asked.text("predecessor_binding_id", needed=False)
        app = stand_in("binding", instance, id)
        return ServiceBinding(id, instance, kept, app, new_operation_id())

    async def _check_predecessor(self, instance: str, plan: Offered, asked: Request) -> None:
        predecessor = asked.text("predecessor_binding_id", needed=False)
        if not predecessor:
            return
        former = await self._find(instance, predecessor)
        if not plan.rotatable or former is None or not former.is_made:
            raise bad("the predecessor is no binding of this service instance that can be rotated")

    async def _find(self, instance: str, id: str) -> Tracked[ServiceBinding] | None:
        record = await self._records.binding(instance, id)
        if record is None:
            return None
        is_there = await self._records.is_attached(record)
        operation = await self._kit.operation_log.find(record.operation) or await self._resume(
            record, is_there=is_there
        )
        return Tracked(record, operation, is_there)

    async def _resume(self, record: ServiceBinding, *, is_there: bool) -> Operation | None:
        """Begin what a process recorded and did not begin. What ended long ago has nothing left to begin."""
        owner = await self._records.instance(record.instance)
        made = await self._records.made_for(owner) if owner else None
        if made is None:
            return None
        if record.verb is BrokerVerb.REMOVE and is_there:
            return await self._tracker.begin(record, "detach", _detach(record, made))
        if record.verb is BrokerVerb.MAKE and not is_there and await self._tracker.is_recent(record):
            return await self._tracker.begin(record, "attach", _attach(record, made))
        return None

    async def _again(
        self, found: Tracked[ServiceBinding], wanted: ServiceBinding, made: Instance, asked: Request
    ) -> web.Response:
        if found.is_being_removed:
            raise concurrent()
        if found.record.verb is BrokerVerb.REMOVE or found.record.asked != wanted.asked:
            raise BrokerError(HTTPStatus.CONFLICT, "a service binding of this id has other attributes")
        if found.runs:
            return await self._answer(found.record, asked, HTTPStatus.OK)
        if found.is_made:
            return web.json_response(await self._credentials(found.record, asked))
        return await self._make(found.record, wanted, made, asked)

    async def _make(
        self, former: ServiceBinding | None, wanted: ServiceBinding, made: Instance, asked: Request
    ) -> web.Response:
        record = await self._records.replace(former, wanted)
        await self._tracker.begin_anew(former, record, "attach", _attach(record, made))
        return await self._answer(record, asked, HTTPStatus.CREATED)

    async def _answer(self, record: ServiceBinding, asked: Request, status: HTTPStatus) -> web.Response:
        """Answer with the operation, or wait for its end where the platform does not wait itself."""
        if asked.takes_async:
            return accepted(record.operation)
        ended = await self._tracker.wait(record.operation)
        if ended is None:
            raise needs_async()
        if ended.state is OperationState.FAILED:
            raise BrokerError(HTTPStatus.INTERNAL_SERVER_ERROR, reason_of(ended))
        body = {} if record.verb is BrokerVerb.REMOVE else await self._credentials(record, asked)
        return web.json_response(body, status=status)

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


def _attach(record: ServiceBinding, made: Instance) -> dict[str, Any]:
    return {"instance": made.name, "app": record.app, "alias": "", "socket": False}


def _detach(record: ServiceBinding, made: Instance) -> dict[str, Any]:
    return {"instance": made.name, "app": record.app}


def _parts(url: str) -> dict[str, Any]:
    """Return the parts of a URL under the names that libraries of platforms look for."""
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
