"""Forms of the page: each asks an endpoint of the API, and leads to the page that shows what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from addonkit.errors import InvalidInput
from addonkit.server import request_notes
from addonkit.server.endpoints import Endpoint
from addonkit.server.page.visit import Redirect, Visit
from addonkit.server.resources import backups, instances, trash

Act = Callable[[Visit, str], Awaitable[Redirect]]

OVERVIEW: Final = Redirect("/")


async def create(visit: Visit) -> Redirect:
    """Create an instance."""
    body = visit.read(instances.CreateInstance, "addon", "app", "alias", "version")
    begun = await _begin(visit, instances.create_instance, body=body)
    return Redirect(f"/instances/{begun.instance}")


def _plain(endpoint: Endpoint) -> Act:
    """Return what needs nothing but the name of an instance."""

    async def act(visit: Visit, name: str) -> Redirect:
        await _begin(visit, endpoint, instance=name)
        return _back(visit, name)

    return act


async def _back_up(visit: Visit, name: str) -> Redirect:
    await _begin(visit, backups.create_backup, instance=name, body=backups.CreateBackup())
    return _back(visit, name)


async def _verify(visit: Visit, name: str) -> Redirect:
    await _begin(visit, backups.verify_backup, instance=name, body=visit.read(backups.VerifyBackup, "backup"))
    return _back(visit, name)


async def _restore(visit: Visit, name: str) -> Redirect:
    await _begin(visit, backups.restore_instance, instance=name, body=visit.read(backups.RestoreInstance, "backup"))
    return _back(visit, name)


async def _destroy(visit: Visit, name: str) -> Redirect:
    """Destroy an instance, when its name was typed.

    Raises:
        InvalidInput: another text was typed.
    """
    typed = visit.form.get("typed", "").strip()
    if typed != name:
        found = f"{typed[:100]!r} was typed" if typed else "nothing was typed"
        raise InvalidInput(f"cannot destroy {name}", found, f"type {name}")
    await _begin(visit, instances.destroy_instance, instance=name, query=instances.DestroyQuery())
    return OVERVIEW


async def undestroy(visit: Visit, id: str) -> Redirect:
    """Bring an instance back from the trash."""
    await _begin(visit, trash.undestroy_instance, trashed=id)
    return OVERVIEW


ACTIONS: Final[Mapping[str, Act]] = {
    "start": _plain(instances.start_instance),
    "stop": _plain(instances.stop_instance),
    "restart": _plain(instances.restart_instance),
    "retry": _plain(instances.retry_instance),
    "back-up": _back_up,
    "verify": _verify,
    "restore": _restore,
    "destroy": _destroy,
}
"""What can be done to an instance, by the last part of the path."""


async def _begin(visit: Visit, endpoint: Endpoint, **given: Any) -> Any:
    """Begin an operation; the audit log has it."""
    operation = (await visit.ask(endpoint, **given)).value
    request_notes.current().operation = operation.id
    return operation


def _back(visit: Visit, name: str) -> Redirect:
    """Return the page that the form is on."""
    return OVERVIEW if visit.form.get("page") == "overview" else Redirect(f"/instances/{name}")
