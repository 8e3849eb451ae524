"""Service instances of platforms: provision, show, update, deprovision."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import web

from addonkit.errors import BackupError
from addonkit.models.broker import BrokerVerb, ServiceInstance
from addonkit.models.operation import new_operation_id
from addonkit.server.broker.app_names import stand_in
from addonkit.server.broker.catalog import Offered, find
from addonkit.server.broker.maintenance import check_maintenance, is_behind, maintenance_of
from addonkit.server.broker.tracking import Tracked, polled
from addonkit.server.broker.wire import (
    BrokerError,
    Request,
    accepted,
    bad,
    concurrent,
    gone,
    needs_async,
    unfit,
    unknown_instance,
)

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.instance import Instance
    from addonkit.models.operation import Operation
    from addonkit.server.broker.tracking import Tracker


class ServiceInstances:
    """Answers requests about service instances."""

    def __init__(self, kit: Kit, tracker: Tracker) -> None:
        self._kit = kit
        self._records = kit.broker_records
        self._tracker = tracker

    async def provision(self, id: str, asked: Request) -> web.Response:
        """Make a service instance, or find the one that the same request made."""
        service, plan_id = asked.text("service_id"), asked.text("plan_id")
        place = {"organization": asked.text("organization_guid"), "space": asked.text("space_guid")}
        plan = find(self._kit.registry, service, plan_id)
        parameters = check_parameters(asked.tree("parameters"))
        check_maintenance(plan, asked)
        wanted = ServiceInstance(
            id, plan.service_id, plan.plan_id, parameters, place, stand_in("broker", id), new_operation_id()
        )
        found = await self.find(id)
        if found is None or found.is_gone:
            return await self._make(found.record if found else None, wanted, plan, asked)
        return await self._again(found, wanted, plan, asked)

    async def show(self, id: str, asked: Request) -> web.Response:
        """Show a service instance."""
        found = await self.find(id)
        if found is None or not found.is_there:
            raise unknown_instance()
        record = found.record
        if found.runs:
            raise concurrent() if record.verb is BrokerVerb.UPDATE else unknown_instance()
        if record.verb is BrokerVerb.MAKE and found.failed:
            raise unknown_instance()
        shown = {"service_id": record.service_id, "plan_id": record.plan_id, "parameters": {**record.parameters}}
        plan = find(self._kit.registry, record.service_id, record.plan_id)
        return web.json_response({**shown, **maintenance_of(await self._made(record), plan, asked.minor)})

    async def update(self, id: str, asked: Request) -> web.Response:
        """Give a service instance another plan, other parameters, or the version of the catalog."""
        service = asked.text("service_id")
        found = await self.find(id)
        if found is None or not found.is_there:
            raise unknown_instance()
        record = found.record
        if record.verb is BrokerVerb.MAKE and not found.is_made:
            raise concurrent() if found.runs else unknown_instance()
        plan = find(self._kit.registry, service, asked.text("plan_id", needed=False) or record.plan_id)
        if service != record.service_id:
            raise bad("the service instance is of another service")
        wanted = await self._wanted(record, plan, asked)
        if found.runs:
            return _repeated(record, wanted)
        if record.verb is BrokerVerb.REMOVE:
            raise unfit("removing the service instance failed: remove it again")
        if not _changes(wanted):
            return web.json_response({})
        if not asked.takes_async:
            raise needs_async()
        return await self._update(record, wanted, plan)

    async def deprovision(self, id: str, asked: Request) -> web.Response:
        """Remove a service instance, from whatever state it is in."""
        asked.asked("service_id"), asked.asked("plan_id")
        found = await self.find(id)
        if found is None or found.is_gone:
            raise gone()
        if not asked.takes_async:
            raise needs_async()
        if found.is_being_removed:
            return accepted(found.record.operation)
        return await self._remove(found)

    async def last_operation(self, id: str, asked: Request) -> web.Response:
        """Tell what came of the last request."""
        found = await self.find(id)
        if found is None:
            raise unknown_instance()
        if asked.query.get("operation", found.record.operation) != found.record.operation:
            raise bad("the operation is not the last one of this service instance")
        if found.operation is None and found.is_gone:
            raise gone() if found.record.verb is BrokerVerb.REMOVE else unknown_instance()
        return polled(found, await self._tracker.last(found))

    async def usable(self, id: str) -> tuple[ServiceInstance, Instance]:
        """Return a service instance that can be bound, and the instance that stands for it.

        Raises:
            BrokerError: there is none, or something is under way with it.
        """
        found = await self.find(id)
        if found is not None and found.runs:
            raise concurrent()
        if found is None or not found.is_there or (found.record.verb is BrokerVerb.MAKE and not found.is_made):
            raise unknown_instance()
        if found.record.verb is BrokerVerb.REMOVE:
            raise unfit("removing the service instance failed: remove it again")
        return found.record, await self._made(found.record)

    async def find(self, id: str) -> Tracked[ServiceInstance] | None:
        """Return what is known of a service instance; an update that has ended is carried over to its record."""
        record = await self._records.instance(id)
        if record is None:
            return None
        made = await self._records.made_for(record)
        operation = await self._kit.operation_log.find(record.operation) or await self._resume(record, made)
        found = Tracked(record, operation, made is not None)
        if record.verb is not BrokerVerb.UPDATE or not _changes(record) or found.runs:
            return found
        done = not found.failed
        updated = attrs.evolve(
            record,
            plan_id=record.wanted_plan if done else record.plan_id,
            parameters=record.wanted_parameters if done else record.parameters,
            **_NOTHING,
        )
        return attrs.evolve(found, record=await self._records.replace(record, updated))

    async def _resume(self, record: ServiceInstance, made: Instance | None) -> Operation | None:
        """Begin what a process recorded and did not begin. What ended long ago has nothing left to begin."""
        if record.verb is BrokerVerb.REMOVE and made is not None:
            return await self._tracker.begin(record, "destroy", _destroy(made))
        if not await self._tracker.is_recent(record):
            return None
        plan = find(self._kit.registry, record.service_id, record.wanted_plan or record.plan_id)
        if record.verb is BrokerVerb.MAKE and made is None:
            return await self._tracker.begin(record, "create", _create(record, plan))
        if record.verb is BrokerVerb.UPDATE and made is not None and _changes(record):
            return await self._tracker.begin(record, "reconfigure", _reconfigure(record, made, plan))
        return None

    async def _made(self, record: ServiceInstance) -> Instance:
        made = await self._records.made_for(record)
        if made is None:
            raise unknown_instance()
        return made

    async def _again(
        self, found: Tracked[ServiceInstance], wanted: ServiceInstance, plan: Offered, asked: Request
    ) -> web.Response:
        if found.runs and found.record.verb is not BrokerVerb.MAKE:
            raise concurrent()
        if found.record.verb is BrokerVerb.REMOVE or _attributes(found.record) != _attributes(wanted):
            raise BrokerError(HTTPStatus.CONFLICT, "a service instance of this id has other attributes")
        if found.is_made:
            return web.json_response({})
        if not asked.takes_async:
            raise needs_async()
        if found.runs:
            return accepted(found.record.operation)
        return await self._make(found.record, wanted, plan, asked)

    async def _make(
        self, former: ServiceInstance | None, wanted: ServiceInstance, plan: Offered, asked: Request
    ) -> web.Response:
        if not asked.takes_async:
            raise needs_async()
        record = await self._records.replace(former, wanted)
        await self._tracker.begin_anew(former, record, "create", _create(record, plan))
        return accepted(record.operation)

    async def _wanted(self, record: ServiceInstance, plan: Offered, asked: Request) -> ServiceInstance:
        check_maintenance(plan, asked)
        version = ""
        if asked.tree("maintenance_info") and is_behind(await self._made(record), plan):
            version = plan.version
        parameters = {**record.parameters, **check_parameters(asked.tree("parameters"))}
        return attrs.evolve(
            record,
            verb=BrokerVerb.UPDATE,
            operation=new_operation_id(),
            wanted_plan=plan.plan_id,
            wanted_parameters=parameters,
            wanted_version=version,
        )

    async def _update(self, former: ServiceInstance, wanted: ServiceInstance, plan: Offered) -> web.Response:
        current = find(self._kit.registry, former.service_id, former.plan_id)
        if plan != current and not (plan.is_movable and current.is_movable):
            raise unfit(f"{plan.definition.name} cannot move data between its plans")
        made = await self._made(former)
        record = await self._records.replace(former, wanted)
        try:
            await self._tracker.begin_anew(former, record, "reconfigure", _reconfigure(record, made, plan))
        except BackupError as error:
            raise unfit(str(error)) from None
        return accepted(record.operation)

    async def _remove(self, found: Tracked[ServiceInstance]) -> web.Response:
        former = found.record
        made = await self._records.made_for(former)
        if made is None:  # it failed before anything was made
            await self._records.restore(former, None)
            return web.json_response({})
        wanted = attrs.evolve(former, verb=BrokerVerb.REMOVE, operation=new_operation_id(), **_NOTHING)
        record = await self._records.replace(former, wanted)
        await self._tracker.begin_anew(former, record, "destroy", _destroy(made))
        return accepted(record.operation)


_NOTHING: Final[dict[str, Any]] = {"wanted_plan": "", "wanted_parameters": {}, "wanted_version": ""}
"""What a record wants that no update is to change."""


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


def _destroy(made: Instance) -> dict[str, Any]:
    return {"instance": made.name, "now": False}


def _reconfigure(record: ServiceInstance, made: Instance, plan: Offered) -> dict[str, Any]:
    changed = {n: v for n, v in record.wanted_parameters.items() if record.parameters.get(n) != v}
    variant = plan.variant.name if record.wanted_plan != record.plan_id else ""
    options = as_options(changed)
    return {"instance": made.name, "variant": variant, "options": options, "version": record.wanted_version}


def _changes(record: ServiceInstance) -> bool:
    """Return whether a record wants something that it does not have."""
    if not record.wanted_plan:
        return False
    wanted = record.wanted_plan, {**record.wanted_parameters}
    return bool(record.wanted_version) or wanted != (record.plan_id, {**record.parameters})


def _repeated(record: ServiceInstance, wanted: ServiceInstance) -> web.Response:
    """Answer a request while an operation runs: with that operation when it is of the same request."""
    same = (record.wanted_plan, {**record.wanted_parameters}) == (wanted.wanted_plan, {**wanted.wanted_parameters})
    if record.verb is not BrokerVerb.UPDATE or not same:
        raise concurrent()
    return accepted(record.operation)


def _attributes(record: ServiceInstance) -> tuple[object, ...]:
    return record.service_id, record.plan_id, {**record.parameters}, {**record.place}
