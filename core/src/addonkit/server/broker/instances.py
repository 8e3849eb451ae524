"""Service instances of platforms: provision, show, update, deprovision."""

from __future__ import annotations

import hashlib
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import web

from addonkit.errors import AddonkitError
from addonkit.kit.operation_log import KEPT
from addonkit.models.broker import BrokerVerb, ServiceInstance
from addonkit.models.operation import Operation, OperationState
from addonkit.server.broker.catalog import Offered, find
from addonkit.server.broker.tracking import is_gone, is_made, runs
from addonkit.server.broker.wire import (
    BrokerError,
    Request,
    accepted,
    bad,
    concurrent,
    gone,
    needs_async,
    unknown_instance,
)

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.broker.tracking import Tracker

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


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
        if former is not None and not is_gone(former, operation):
            return await self._again(former, operation, wanted, asked)
        if not asked.takes_async:
            raise needs_async()
        record = await self._records.replace(former, wanted)
        return await self._make(record, plan)

    async def show(self, id: str) -> web.Response:
        """Show a service instance."""
        record, operation = await self._current(id)
        if record is None or (record.verb is not BrokerVerb.UPDATE and not is_made(record, operation)):
            raise unknown_instance()
        if runs(operation):
            raise concurrent()
        found = {"service_id": record.service_id, "plan_id": record.plan_id, "parameters": {**record.parameters}}
        return web.json_response(found)

    async def update(self, id: str, asked: Request) -> web.Response:
        """Give a service instance another plan or other parameters."""
        service = asked.text("service_id")
        record, operation = await self._current(id)
        if record is None or not _exists(record, operation):
            raise unknown_instance()
        plan = find(self._kit.registry, service, asked.text("plan_id", needed=False) or record.plan_id)
        if service != record.service_id:
            raise bad("the service instance is of another service")
        _check_maintenance(plan, asked)
        parameters = {**record.parameters, **check_parameters(asked.tree("parameters"))}
        if runs(operation):
            if (record.wanted_plan, record.wanted_parameters) == (plan.plan_id, parameters):
                return accepted(record.operation)
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
        name = await self.name(record)
        began = await self._records.replace(record, wanted)
        return await self._update(record, began, name, plan)

    async def deprovision(self, id: str, asked: Request) -> web.Response:
        """Remove a service instance, from whatever state it is in."""
        asked.asked("service_id"), asked.asked("plan_id")
        record, operation = await self._current(id)
        if record is None or is_gone(record, operation):
            raise gone()
        if record.verb is BrokerVerb.REMOVE and runs(operation):
            return accepted(record.operation)
        if not asked.takes_async:
            raise needs_async()
        wanted = attrs.evolve(record, verb=BrokerVerb.REMOVE, operation=self._tracker.new_id())
        removed = await self._records.replace(record, wanted)
        return await self._remove(removed)

    async def last_operation(self, id: str, asked: Request) -> web.Response:
        """Tell what came of the last request."""
        record, operation = await self._current(id)
        if record is None:
            raise unknown_instance()
        if asked.query.get("operation", record.operation) != record.operation:
            raise bad("the operation is not the last one of this service instance")
        if operation is None:
            raise gone() if record.verb is BrokerVerb.REMOVE else unknown_instance()
        headers = {"Retry-After": "2"} if runs(operation) else {}
        return web.json_response(await self._tracker.last(operation), headers=headers)

    async def usable(self, id: str) -> ServiceInstance:
        """Return a service instance that can be bound.

        Raises:
            BrokerError: there is none, or something is under way with it.
        """
        record, operation = await self._current(id)
        if record is None or not _exists(record, operation):
            raise unknown_instance()
        if runs(operation):
            raise concurrent()
        return record

    async def name(self, record: ServiceInstance) -> str:
        """Name of the instance that was made.

        Raises:
            BrokerError: it was destroyed without the platform.
        """
        views = await self._kit.instances(record.app)
        if not views:
            raise unknown_instance()
        return views[0].instance.name

    async def _current(self, id: str) -> tuple[ServiceInstance | None, Operation | None]:
        """The record and its operation, an update that has ended being carried over to the record."""
        record = await self._records.instance(id)
        if record is None:
            return None, None
        operation = await self._tracker.find(record.operation)
        if operation is None:
            operation = await self._resume(record)
        if record.verb is BrokerVerb.UPDATE and record.wanted_plan and operation and not runs(operation):
            done = operation.state is OperationState.SUCCEEDED
            kept = (record.wanted_plan, record.wanted_parameters) if done else (record.plan_id, record.parameters)
            plan, parameters = kept
            settled = attrs.evolve(record, plan_id=plan, parameters=parameters, wanted_plan="", wanted_parameters={})
            record = await self._records.replace(record, settled)
        return record, operation

    async def _resume(self, record: ServiceInstance) -> Operation | None:
        """Begin what a process recorded and did not begin. What ended long ago has nothing left to begin."""
        views = await self._kit.instances(record.app)
        if record.verb is BrokerVerb.MAKE and not views and await self._is_recent(record):
            plan = find(self._kit.registry, record.service_id, record.plan_id)
            return await self._tracker.begin(record.operation, "create", _create(record, plan))
        if record.verb is BrokerVerb.REMOVE and views:
            arguments = {"instance": views[0].instance.name, "now": False}
            return await self._tracker.begin(record.operation, "destroy", arguments)
        return None

    async def _is_recent(self, record: ServiceInstance) -> bool:
        """Whether its operation would still be kept; else it did end, and what it made was destroyed since."""
        changed = await self._records.changed(record.id)
        return changed is not None and self._kit.operation_log.now() - changed < KEPT

    async def _again(
        self, record: ServiceInstance, operation: Operation | None, wanted: ServiceInstance, asked: Request
    ) -> web.Response:
        if record.verb is BrokerVerb.REMOVE:
            raise concurrent()
        if _attributes(record) != _attributes(wanted):
            raise BrokerError(HTTPStatus.CONFLICT, "a service instance of this id has other attributes")
        if runs(operation):
            if not asked.takes_async:
                raise needs_async()
            return accepted(record.operation)
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
        return accepted(record.operation)

    async def _update(self, former: ServiceInstance, record: ServiceInstance, name: str, plan: Offered) -> web.Response:
        changed = {n: v for n, v in record.wanted_parameters.items() if former.parameters.get(n) != v}
        variant = plan.variant.name if record.wanted_plan != former.plan_id else ""
        arguments = {"instance": name, "variant": variant, "options": as_options(changed)}
        try:
            await self._tracker.begin(record.operation, "reconfigure", arguments)
        except AddonkitError:
            await self._records.replace(record, former)
            raise
        return accepted(record.operation)

    async def _remove(self, record: ServiceInstance) -> web.Response:
        views = await self._kit.instances(record.app)
        if not views:  # it failed before anything was made
            await self._records.remove(record)
            return web.json_response({})
        await self._tracker.begin(record.operation, "destroy", {"instance": views[0].instance.name, "now": False})
        return accepted(record.operation)


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


def _exists(record: ServiceInstance, operation: Operation | None) -> bool:
    return (
        record.verb is BrokerVerb.UPDATE
        or is_made(record, operation)
        or (record.verb is BrokerVerb.MAKE and runs(operation))
    )
