"""Changes options and extensions of instances at a home that another process serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from addonkit.client.transport import Transport, part
from addonkit.client.values import extension_of, option_of, option_plan_of, view_of
from addonkit.models.result import Extension
from addonkit.models.views import InstanceView, OptionPlan, OptionView


class RemoteOptions:
    """Has the names of `InstanceOptions`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, name: str, app: str | None = None) -> tuple[OptionView, ...]:
        """See `InstanceOptions.list`."""
        path = await path_of(self._transport, name, app)
        return tuple(map(option_of, (await self._transport.ask("GET", f"{path}/options"))["items"]))

    async def plan(
        self, name: str, values: Mapping[str, str], *, reset: Collection[str] = (), app: str | None = None
    ) -> OptionPlan:
        """See `InstanceOptions.plan`."""
        path = await path_of(self._transport, name, app)
        body = {"options": dict(values), "reset": [*reset]}
        return option_plan_of(await self._transport.ask("POST", f"{path}/options/plan", body))

    async def set(
        self, name: str, values: Mapping[str, str], *, reset: Collection[str] = (), app: str | None = None
    ) -> InstanceView:
        """See `InstanceOptions.set`."""
        path = await path_of(self._transport, name, app)
        body = {"options": dict(values), "reset": [*reset]}
        await self._transport.carry_out("POST", f"{path}/reconfigure", body)
        return view_of(await self._transport.ask("GET", path))


class RemoteExtensions:
    """Has the names of `InstanceExtensions`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, name: str, app: str | None = None) -> tuple[tuple[Extension, bool], ...]:
        """See `InstanceExtensions.list`."""
        path = await path_of(self._transport, name, app)
        return tuple(map(extension_of, (await self._transport.ask("GET", f"{path}/extensions"))["items"]))

    async def plan(
        self, name: str, add: Collection[str] = (), remove: Collection[str] = (), app: str | None = None
    ) -> OptionPlan:
        """See `InstanceExtensions.plan`."""
        path = await path_of(self._transport, name, app)
        body = {"add": [*add], "remove": [*remove]}
        return option_plan_of(await self._transport.ask("POST", f"{path}/extensions/plan", body))

    async def change(
        self, name: str, add: Collection[str] = (), remove: Collection[str] = (), app: str | None = None
    ) -> InstanceView:
        """See `InstanceExtensions.change`."""
        path = await path_of(self._transport, name, app)
        await self._transport.carry_out("POST", f"{path}/extensions", {"add": [*add], "remove": [*remove]})
        return view_of(await self._transport.ask("GET", path))

    async def update(self, name: str, extension: str, app: str | None = None) -> None:
        """See `InstanceExtensions.update`."""
        path = await path_of(self._transport, name, app)
        await self._transport.carry_out("POST", f"{path}/extensions", {"update": [extension]})


async def path_of(transport: Transport, name: str, app: str | None) -> str:
    """Return the path of an instance, by its name or what an app calls it."""
    found = await transport.ask("GET", f"/v1/instances/{part(name)}", app=app or "")
    return f"/v1/instances/{part(found['name'])}"
