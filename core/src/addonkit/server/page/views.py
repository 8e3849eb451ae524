"""Views of the page: all instances, one of them, an app, and the questions before something is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from addonkit.errors import AddonkitError, NotFound
from addonkit.models.backup import Backup
from addonkit.models.instance import Purpose
from addonkit.models.token import Role
from addonkit.models.views import Finding, InstanceView
from addonkit.server.page.cache import Cached
from addonkit.server.page.rows import Row, counted, retries_at, rows
from addonkit.server.page.steps import operations
from addonkit.server.page.visit import PageResponse, Visit
from addonkit.server.paging import MOST, ListQuery
from addonkit.server.resources import addons, apps, environments, instances, logs
from addonkit.server.resources import trash as trashed

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit

EVERY: Final = 60.0
"""Seconds between looks for findings and backups while a page is open."""

_REMEMBERED: Final = 100
"""Instances whose backups are remembered."""

LINES: Final = 200
"""Lines of a log."""

_ALL: Final = ListQuery(MOST)


class Views:
    """Gathers what pages show.

    Args:
        kit: what is asked.
    """

    def __init__(self, kit: Kit) -> None:
        self._findings: Cached[tuple[Finding, ...]] = Cached(kit.doctor, EVERY)
        self._backups: Cached[tuple[Backup, ...]] = Cached(kit.backups.list, EVERY)
        self._of: dict[str, Cached[tuple[Backup, ...]]] = {}

    async def close(self) -> None:
        """Stop looking."""
        await self._findings.close()
        for each in (self._backups, *self._of.values()):
            await each.close()

    async def overview(self, visit: Visit) -> PageResponse:
        """Show instances, operations and findings."""
        call = visit.call
        views = [each for each in await call.kit.instances() if _is_shown(each) and instances.reaches(call, each)]
        shown = await self._rows(visit, views)
        found = {
            "rows": shown,
            "counts": counted(shown),
            "troubled": sum(each.state.shape == "bad" for each in shown),
            "operations": await operations(call),
            "trash": (await visit.ask(trashed.list_trash, query=_ALL)).items,
            "backup_problem": "" if call.principal.apps else self._backups.problem,
            "findings": None if call.principal.apps else await self._findings.get(call.metrics.ended_count),
            "finding_problem": "" if call.principal.apps else self._findings.problem,
        }
        return PageResponse("overview.html", found)

    async def instance(self, visit: Visit, name: str) -> PageResponse:
        """Show an instance."""
        view = await instances.find(visit.call, name)
        (row,) = await self._rows(visit, [view])
        found: dict[str, Any] = {
            "row": row,
            "associations": [each for each in view.associations if visit.call.principal.reaches([each.app])],
            "operations": await operations(visit.call, view.instance),
            "retries_at": retries_at(view),
            "backups": (),
            "backup_problem": "",
            "log": (),
            "log_problem": "",
        }
        if row.mine:
            await self._add_backups(found, visit, view)
        if view.server is not None and visit.may_change:
            await _add_log(found, visit, name)
        return PageResponse("instance.html", found)

    async def app(self, visit: Visit, name: str) -> PageResponse:
        """Show an app: what it receives, by name."""
        shown = await visit.ask(apps.get_app, app=name)
        environment = await visit.ask(environments.get_environment, app=name, query=environments.EnvironmentQuery())
        return PageResponse("app.html", {"app": shown, "environment": environment})

    async def create(self, visit: Visit) -> PageResponse:
        """Show the form for a new instance."""
        visit.call.principal.require(Role.OPERATOR, visit.call.attempted)
        known = (await visit.ask(addons.list_addons, query=_ALL)).items
        return PageResponse(
            "create.html",
            {
                "addons": [each for each in known if each.variants],
                "apps": [each.name for each in (await visit.ask(apps.list_apps, query=_ALL)).items],
                "given": visit.form,
            },
        )

    async def restore(self, visit: Visit, name: str, backup: str) -> PageResponse:
        """Show what a restore would do."""
        visit.call.principal.require(Role.OPERATOR, visit.call.attempted)
        view = await instances.owned(visit.call, name)
        known = {each.name: each for each in await visit.call.kit.backups.list(name)}
        if backup not in known:
            found = f"it has no backup {backup!r}"
            raise NotFound(f"cannot restore {name}", found, "choose one on the page of the instance")
        plan = await visit.call.kit.backups.plan_restore(name, backup=backup)
        return PageResponse("restore.html", {"view": view, "backup": known[backup], "plan": plan})

    async def destroy(self, visit: Visit, name: str) -> PageResponse:
        """Show what destroying an instance would lose."""
        visit.call.principal.require(Role.OPERATOR, visit.call.attempted)
        view = await instances.owned(visit.call, name)
        plan = await visit.ask(instances.get_losses, instance=name, query=instances.DestroyQuery())
        return PageResponse("destroy.html", {"view": view, "plan": plan})

    async def _rows(self, visit: Visit, views: Sequence[InstanceView]) -> tuple[Row, ...]:
        kept = await self._backups.get(visit.call.metrics.ended_count)
        metrics = visit.call.metrics
        order = sorted(views, key=lambda each: (each.instance.purpose is not Purpose.SERVE, each.instance.name))
        return rows(order, visit.call.principal, metrics, kept or ())

    async def _add_backups(self, found: dict[str, Any], visit: Visit, view: InstanceView) -> None:
        name, kit = view.instance.name, visit.call.kit
        kept = self._of.pop(name, None) or Cached(lambda: kit.backups.list(name), EVERY)
        while len(self._of) >= _REMEMBERED:
            del self._of[next(iter(self._of))]
        self._of[name] = kept
        version = (view.instance.id, visit.call.metrics.ended_count)
        found["backups"] = tuple(reversed(await kept.get(version) or ()))
        found["backup_problem"] = kept.problem


def _is_shown(view: InstanceView) -> bool:
    """Return whether the page shows an instance. It leaves out data on trial, which are there for moments."""
    return view.instance.purpose is not Purpose.SCRATCH


async def _add_log(found: dict[str, Any], visit: Visit, name: str) -> None:
    try:
        found["log"] = (await visit.ask(logs.get_log, instance=name, query=logs.LogQuery(LINES))).lines
    except AddonkitError as error:
        found["log_problem"] = error.found
