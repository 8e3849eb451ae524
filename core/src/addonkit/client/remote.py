"""The kit of a home that another process serves: `addonkit.connect` gives it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from addonkit.client.refusals import refuse
from addonkit.client.transport import Transport, part
from addonkit.client.values import (
    address_of,
    association_of,
    environment_of,
    instance_of,
    moves_of,
    server_target_of,
    view_of,
    vitals_of,
)
from addonkit.controller.pools import HealReport
from addonkit.errors import NotFound, UnknownApp
from addonkit.kit.binding import Binding
from addonkit.models.variable import VariableMove
from addonkit.models.views import AppView, Environment, Finding, InstanceView, Plan, ServerTarget
from addonkit.models.vitals import Vitals

if TYPE_CHECKING:
    from addonkit.client.backups import RemoteBackups
    from addonkit.client.options import RemoteExtensions, RemoteOptions
    from addonkit.client.rotations import RemoteRotations
    from addonkit.client.tokens import RemoteTokens
    from addonkit.client.trash import RemoteTrash

_LINES: Final = 1000
"""Lines of a log that a service gives at most."""

_COMMANDS: Final = {
    "branches": "branch",
    "changes": "change",
    "environment_files": "bindings",
    "executions": "saga",
    "fix": "doctor --fix",
    "manifests": "manifest",
    "moves": "clone",
    "registry": "addons",
    "schedules": "backup schedule",
}
"""Parts of `Kit` that a service has no place for, by the words with which people ask for them."""


class RemoteKit:
    """Has the names of `Kit`. What works only beside the files of the home raises one clear error."""

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport = transport
        self._url = url

    def __getattr__(self, name: str) -> NoReturn:
        refuse(self._url, name, _COMMANDS.get(name, name))

    async def create(
        self,
        spec: str,
        app: str,
        *,
        alias: str = "",
        version: str = "",
        socket: bool = False,
        options: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Binding:
        """See `Kit.create`."""
        known = await self.has_app(app)
        asked = {"addon": spec, "app": app, "alias": alias, "version": version, "socket": socket}
        body = {**asked, "options": dict(options or {})}
        operation = await self._transport.carry_out("POST", "/v1/instances", body, wait=wait)
        return await self._binding(operation["instance"], app, new_app=not known)

    async def attach(
        self, name: str, app: str, *, alias: str = "", socket: bool = False, role: str = "", wait: bool = True
    ) -> Binding:
        """See `Kit.attach`."""
        body = {"instance": name, "app": app, "alias": alias, "socket": socket, "role": role}
        await self._transport.carry_out("POST", "/v1/associations", body, wait=wait)
        return await self._binding(name, app, new_app=False)

    async def detach(self, name: str, app: str) -> tuple[str, ...]:
        """See `Kit.detach`."""
        data = await self._transport.ask("GET", f"/v1/instances/{part(name)}", app=app)
        for tie in data["associations"]:
            if tie["app"] == app:
                done = await self._transport.carry_out("DELETE", f"/v1/associations/{tie['id']}")
                return tuple(done["result"]["variables"])
        raise NotFound(f"cannot detach {name} from {app}", "it is not attached to it")

    async def instances(self, app: str | None = None) -> tuple[InstanceView, ...]:
        """See `Kit.instances`."""
        return tuple(map(view_of, await self._transport.all("/v1/instances", app=app or "")))

    async def show(self, name: str, app: str | None = None) -> InstanceView:
        """See `Kit.show`."""
        return view_of(await self._transport.ask("GET", f"/v1/instances/{part(name)}", app=app or ""))

    async def vitals(self, view: InstanceView) -> Vitals:
        """See `Kit.vitals`."""
        return vitals_of(await self._transport.ask("GET", f"/v1/instances/{part(view.instance.name)}/vitals"))

    async def name_of(self, name: str, app: str | None = None) -> str:
        """See `Kit.name_of`."""
        return (await self.show(name, app)).instance.name

    async def apps(self) -> tuple[AppView, ...]:
        """See `Kit.apps`."""
        found = await self._transport.all("/v1/apps")
        return tuple(AppView(each["name"], tuple(each["instances"]), each["variables"]) for each in found)

    async def count(self) -> int:
        """See `Kit.count`."""
        return len(await self._transport.all("/v1/instances"))

    async def has_app(self, name: str) -> bool:
        """See `Kit.has_app`."""
        try:
            await self.check_app(name)
        except UnknownApp:
            return False
        return True

    async def check_app(self, name: str) -> None:
        """See `Kit.check_app`."""
        await self._transport.ask("GET", f"/v1/apps/{part(name)}")

    async def has_branches(self, app: str) -> bool:  # noqa: ARG002 - of `Kit`
        """Return False: data of branches belong to a directory of one machine."""
        return False

    async def environment(self, app: str, *, without: Collection[str] = ()) -> Environment:
        """See `Kit.environment`."""
        data = await self._transport.ask("GET", f"/v1/apps/{part(app)}/environment", reveal="true")
        kept = [each for each in data["variables"] if each["source"] not in without]
        if "services" in data:
            data = {**data, "services": [each for each in data["services"] if each["name"] not in without]}
        pending = [each for each in data["pending"] if each not in without]
        return environment_of({**data, "variables": kept, "pending": pending})

    async def set_variables(
        self, app: str, values: Mapping[str, str], *, sensitive: bool = False
    ) -> tuple[VariableMove, ...]:
        """See `Kit.set_variables`."""
        body = {"set": dict(values), "sensitive": sensitive}
        return moves_of(await self._transport.ask("PATCH", f"/v1/apps/{part(app)}/environment", body))

    async def unset_variables(self, app: str, keys: Sequence[str]) -> tuple[VariableMove, ...]:
        """See `Kit.unset_variables`."""
        return moves_of(await self._transport.ask("PATCH", f"/v1/apps/{part(app)}/environment", {"unset": [*keys]}))

    async def rename(self, name: str, new: str) -> str:
        """See `Kit.rename`."""
        await self._transport.ask("PATCH", f"/v1/instances/{part(name)}", {"name": new})
        return name

    async def rename_app(self, name: str, new: str) -> None:
        """See `Kit.rename_app`."""
        await self._transport.ask("PATCH", f"/v1/apps/{part(name)}", {"name": new})

    async def retry(self, name: str, app: str | None = None) -> InstanceView:
        """See `Kit.retry`."""
        full = await self.name_of(name, app)
        await self._transport.carry_out("POST", f"/v1/instances/{part(full)}/retry")
        return await self.show(full)

    async def plan_destroy(self, name: str, app: str | None = None, *, now: bool = False) -> Plan:
        """See `Kit.plan_destroy`; the plan has no steps."""
        full = await self.name_of(name, app)
        asked = {"now": "true"} if now else {}
        data = await self._transport.ask("GET", f"/v1/instances/{part(full)}/losses", None, **asked)
        return Plan(data["summary"], vanish=tuple(data["vanish"]), lost=tuple(data["lost"]), stays=tuple(data["stays"]))

    async def destroy(self, name: str, app: str | None = None, *, now: bool = False, wait: bool = True) -> None:
        """See `Kit.destroy`; what is kept in the trash is not returned."""
        full = await self.name_of(name, app)
        asked = {"now": "true"} if now else {}
        await self._transport.carry_out("DELETE", f"/v1/instances/{part(full)}", None, wait=wait, **asked)

    async def heal(self, app: str | None = None, *, without: Collection[str] = ()) -> HealReport:  # noqa: ARG002 - of `Kit`
        """Return the service keeps servers running: nothing is to be done here."""
        return HealReport()

    @property
    def rotations(self) -> RemoteRotations:
        """See `Kit.rotations`."""
        from addonkit.client.rotations import RemoteRotations as Made

        return Made(self._transport, self._url)

    async def promote(self, name: str, app: str) -> tuple[VariableMove, ...]:
        """See `Kit.promote`."""
        data = await self._transport.ask("GET", f"/v1/instances/{part(name)}", app=app)
        for tie in data["associations"]:
            if tie["app"] == app:
                return moves_of(await self._transport.ask("POST", f"/v1/associations/{tie['id']}/promote"))
        raise NotFound(f"cannot promote {name} in {app}", "it is not attached to it")

    async def doctor(self) -> tuple[Finding, ...]:
        """See `Kit.doctor`."""
        found = await self._transport.all("/v1/findings")
        return tuple(Finding(each["kind"], each["subject"], each["problem"], each["fix"]) for each in found)

    async def log_path(self, name: str, app: str | None = None) -> str:
        """See `Kit.log_path`; it is empty: the log is on another machine."""
        await self.name_of(name, app)
        return ""

    async def log_lines(self, name: str, app: str | None = None, *, lines: int) -> tuple[str, ...]:
        """See `Kit.log_lines`; a service gives a thousand at most."""
        path = f"/v1/instances/{part(await self.name_of(name, app))}/log"
        asked = str(min(max(lines, 1), _LINES))
        found = (await self._transport.ask("GET", path, lines=asked))["lines"]
        return tuple(found[-lines:]) if lines else ()

    async def servers(self, name: str | None = None, app: str | None = None) -> tuple[ServerTarget, ...]:
        """See `Kit.servers`."""
        found = await self._transport.all("/v1/servers", instance=name or "", app=app or "")
        return tuple(map(server_target_of, found))

    async def stop(self, target: ServerTarget) -> None:
        """See `Kit.stop`."""
        await self._power("stop", target)

    async def start(self, target: ServerTarget) -> None:
        """See `Kit.start`."""
        await self._power("start", target)

    async def restart(self, target: ServerTarget) -> None:
        """See `Kit.restart`."""
        await self._power("restart", target)

    async def _power(self, verb: str, target: ServerTarget) -> None:
        await self._transport.carry_out("POST", f"/v1/instances/{part(target.chosen[0])}/{verb}")

    @property
    def options(self) -> RemoteOptions:
        """See `Kit.options`."""
        from addonkit.client.options import RemoteOptions as Made

        return Made(self._transport)

    @property
    def extensions(self) -> RemoteExtensions:
        """See `Kit.extensions`."""
        from addonkit.client.options import RemoteExtensions as Made

        return Made(self._transport)

    @property
    def backups(self) -> RemoteBackups:
        """See `Kit.backups`."""
        from addonkit.client.backups import RemoteBackups as Made

        return Made(self._transport, self._url)

    @property
    def trash(self) -> RemoteTrash:
        """See `Kit.trash`."""
        from addonkit.client.trash import RemoteTrash as Made

        return Made(self._transport, self._url)

    @property
    def tokens(self) -> RemoteTokens:
        """See `Kit.tokens`."""
        from addonkit.client.tokens import RemoteTokens as Made

        return Made(self._transport)

    async def _binding(self, name: str, app: str, *, new_app: bool) -> Binding:
        data = await self._transport.ask("GET", f"/v1/instances/{part(name)}")
        values = {}
        if any(tie["app"] == app and tie["variables"] for tie in data["associations"]):
            values = {entry.variable.key: entry.variable for entry in (await self.environment(app)).entries}
        ties = [association_of(tie, data, values) for tie in data["associations"] if tie["app"] == app]
        if not ties:
            raise NotFound(f"cannot find {name} of app {app}", "it was detached or destroyed meanwhile")
        return Binding(instance_of(data), ties[0], new_app, address=address_of(data))
