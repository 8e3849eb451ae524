"""Service instances of platforms: provision, show, update, deprovision."""

from __future__ import annotations

import hashlib
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import web

from addonkit.errors import AddonkitError
from addonkit.models.broker import BrokerVerb, ServiceInstance
from addonkit.models.operation import Operation, OperationState
from addonkit.server.broker.catalog import Offered, find
from addonkit.server.broker.wire import BrokerError, Request, bad, concurrent, needs_async

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.broker.tracking import Tracker

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")

GONE: Final = BrokerError(HTTPStatus.GONE, "there is no such thing any more")
UNKNOWN: Final = BrokerError(HTTPStatus.NOT_FOUND, "there is no such service instance")


class ServiceInstances:
    """Answers requests about service instances."""

    def __init__(self, kit: Kit, tracker: Tracker) -> None:
        self._kit = kit
        self._records = kit.broker_records
        self._tracker = tracker

    async def provision(self, id: str, asked: Request) -> web.Response:
        """Make a service instance, or find the one that the same request made."""
        plan = find(self._kit.registry, asked.text("service_id"), asked.text("plan_id"))
        place = {"organization": asked.text("organization_guid"), "space": asked.text("space_guid")}
        parameters = check_parameters(asked.tree("parameters"))
        _check_maintenance(plan, asked)
        wanted = ServiceInstance(
            id, plan.service_id, plan.plan_id, parameters, place, stand_in("broker", id), self._tracker.new_id()
        )
        former, operation = await self._current(id)
        if former is not None and not _is_gone(former, operation):
            return await self._again(former, operation, wanted, asked)
        if not asked.takes_async:
            raise needs_async()
        record = await self._records.replace(former, wanted)
        return await self._make(record, plan)

    async def show(self, id: str) -> web.Response:
        """Show a service instance."""
        record, operation = await self._current(id)
        if record is None or (record.verb is not BrokerVerb.UPDATE and not _is_made(record, operation)):
            raise UNKNOWN
        if _runs(operation):
            raise concurrent()
        found = {"service_id": record.service_id, "plan_id": record.plan_id, "parameters": {**record.parameters}}
        return web.json_response(found)

    async def update(self, id: str, asked: Request) -> web.Response:
        """Give a service instance another plan or other parameters."""
        service = asked.text("service_id")
        record, operation = await self._current(id)
        if record is None or not _exists(record, operation):
            raise UNKNOWN
        plan = find(self._kit.registry, service, asked.text("plan_id", needed=False) or record.plan_id)
        if service != record.service_id:
            raise bad("the service instance is of another service")
        _check_maintenance(plan, asked)
        parameters = {**record.parameters, **check_parameters(asked.tree("parameters"))}
        if _runs(operation):
            if (record.wanted_plan, record.wanted_parameters) == (plan.plan_id, parameters):
                return _accepted(record.operation)
            raise concurrent()
        if (plan.plan_id, parameters) == (record.plan_id, record.parameters):
            return web.json_response({})
        if not asked.takes_async:
            raise needs_async()
        wanted = attrs.evolve(
            record,
            verb=BrokerVerb.UPDATE,
            operation=self._tracker.new_id(),
            wanted_plan=plan.plan_id,
            wanted_parameters=parameters,
        )
        began = await self._records.replace(record, wanted)
        return await self._update(record, began, plan)

    async def deprovision(self, id: str, asked: Request) -> web.Response:
        """Remove a service instance, from whatever state it is in."""
        asked.asked("service_id"), asked.asked("plan_id")
        record, operation = await self._current(id)
        if record is None or _is_gone(record, operation):
            raise GONE
        if record.verb is BrokerVerb.REMOVE and _runs(operation):
            return _accepted(record.operation)
        if not asked.takes_async:
            raise needs_async()
        wanted = attrs.evolve(record, verb=BrokerVerb.REMOVE, operation=self._tracker.new_id())
        removed = await self._records.replace(record, wanted)
        return await self._remove(removed)

    async def last_operation(self, id: str, asked: Request) -> web.Response:
        """Tell what came of the last request."""
        record, operation = await self._current(id)
        if record is None:
            raise UNKNOWN
        if asked.query.get("operation", record.operation) != record.operation:
            raise bad("the operation is not the last one of this service instance")
        if operation is None:
            raise GONE if record.verb is BrokerVerb.REMOVE else UNKNOWN
        headers = {"Retry-After": "2"} if _runs(operation) else {}
        return web.json_response(await self._tracker.last(operation), headers=headers)

    async def usable(self, id: str) -> ServiceInstance:
        """Return a service instance that can be bound.

        Raises:
            BrokerError: there is none, or something is under way with it.
        """
        record, operation = await self._current(id)
        if record is None or not _exists(record, operation):
            raise UNKNOWN
        if _runs(operation):
            raise concurrent()
        return record

    async def name(self, record: ServiceInstance) -> str:
        """Name of the instance that was made."""
        return (await self._kit.instances(record.app))[0].instance.name

    async def _current(self, id: str) -> tuple[ServiceInstance | None, Operation | None]:
        """The record and its operation, an update that has ended being carried over to the record."""
        record = await self._records.instance(id)
        if record is None:
            return None, None
        operation = await self._tracker.find(record.operation)
        if operation is None:
            operation = await self._resume(record)
        if record.verb is BrokerVerb.UPDATE and record.wanted_plan and operation and not _runs(operation):
            done = operation.state is OperationState.SUCCEEDED
            kept = (record.wanted_plan, record.wanted_parameters) if done else (record.plan_id, record.parameters)
            plan, parameters = kept
            settled = attrs.evolve(record, plan_id=plan, parameters=parameters, wanted_plan="", wanted_parameters={})
            record = await self._records.replace(record, settled)
        return record, operation

    async def _resume(self, record: ServiceInstance) -> Operation | None:
        """Begin what a process recorded and did not begin. What ended long ago has nothing left to begin."""
        views = await self._kit.instances(record.app)
        if record.verb is BrokerVerb.MAKE and not views:
            plan = find(self._kit.registry, record.service_id, record.plan_id)
            return await self._tracker.begin(record.operation, "create", _create(record, plan))
        if record.verb is BrokerVerb.REMOVE and views:
            arguments = {"instance": views[0].instance.name, "now": False}
            return await self._tracker.begin(record.operation, "destroy", arguments)
        return None

    async def _again(
        self, record: ServiceInstance, operation: Operation | None, wanted: ServiceInstance, asked: Request
    ) -> web.Response:
        if record.verb is BrokerVerb.REMOVE:
            raise concurrent()
        if _attributes(record) != _attributes(wanted):
            raise BrokerError(HTTPStatus.CONFLICT, "a service instance of this id has other attributes")
        if _runs(operation):
            if not asked.takes_async:
                raise needs_async()
            return _accepted(record.operation)
        if _exists(record, operation):
            return web.json_response({})
        plan = find(self._kit.registry, record.service_id, record.plan_id)
        return await self._make(await self._records.replace(record, wanted), plan)

    async def _make(self, record: ServiceInstance, plan: Offered) -> web.Response:
        try:
            await self._tracker.begin(record.operation, "create", _create(record, plan))
        except AddonkitError:
            await self._records.remove(record)
            raise
        return _accepted(record.operation)

    async def _update(self, former: ServiceInstance, record: ServiceInstance, plan: Offered) -> web.Response:
        changed = {n: v for n, v in record.wanted_parameters.items() if former.parameters.get(n) != v}
        variant = plan.variant.name if record.wanted_plan != former.plan_id else ""
        arguments = {"instance": await self.name(record), "variant": variant, "options": as_options(changed)}
        try:
            await self._tracker.begin(record.operation, "reconfigure", arguments)
        except AddonkitError:
            await self._records.replace(record, former)
            raise
        return _accepted(record.operation)

    async def _remove(self, record: ServiceInstance) -> web.Response:
        views = await self._kit.instances(record.app)
        if not views:  # it failed before anything was made
            await self._records.remove(record)
            return web.json_response({})
        await self._tracker.begin(record.operation, "destroy", {"instance": views[0].instance.name, "now": False})
        return _accepted(record.operation)


def stand_in(kind: str, id: str) -> str:
    """Return the name of the app that stands for what a platform knows by an id."""
    return f"{kind}-{id if _PLAIN.fullmatch(id) else hashlib.sha256(id.encode()).hexdigest()[:40]}"


def check_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that may be options; what each means is checked with the addon's own words.

    Raises:
        BrokerError: one is neither text, a number, nor true or false.
    """
    for name, value in parameters.items():
        if not isinstance(value, str | int | bool):
            raise bad(f"parameter {name[:100]} is neither text, a whole number, nor true or false")
    return parameters


def as_options(parameters: dict[str, Any]) -> dict[str, str]:
    """Return parameters as options are written."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in parameters.items()}


def _create(record: ServiceInstance, plan: Offered) -> dict[str, Any]:
    options = as_options({**record.parameters})
    return {"addon": plan.spec, "app": record.app, "alias": "", "version": "", "socket": False, "options": options}


def _check_maintenance(plan: Offered, asked: Request) -> None:
    info = asked.tree("maintenance_info")
    if info and info.get("version") != plan.maintenance_version:
        found = f"the catalog has maintenance_info {plan.maintenance_version} for this plan"
        raise BrokerError(HTTPStatus.UNPROCESSABLE_ENTITY, found, "MaintenanceInfoConflict")


def _attributes(record: ServiceInstance) -> tuple[object, ...]:
    return record.service_id, record.plan_id, {**record.parameters}, {**record.place}


def _accepted(operation: str) -> web.Response:
    return web.json_response({"operation": operation}, status=HTTPStatus.ACCEPTED)


def _runs(operation: Operation | None) -> bool:
    return operation is not None and operation.state is OperationState.RUNNING


def _is_made(record: ServiceInstance, operation: Operation | None) -> bool:
    """Whether it was made; its operation may be forgotten by now."""
    return record.verb is BrokerVerb.MAKE and (operation is None or operation.state is OperationState.SUCCEEDED)


def _exists(record: ServiceInstance, operation: Operation | None) -> bool:
    return (
        record.verb is BrokerVerb.UPDATE
        or _is_made(record, operation)
        or (record.verb is BrokerVerb.MAKE and _runs(operation))
    )


def _is_gone(record: ServiceInstance, operation: Operation | None) -> bool:
    removed = operation is None or operation.state is OperationState.SUCCEEDED
    return record.verb is BrokerVerb.REMOVE and removed
