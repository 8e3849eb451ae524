"""Apps."""

from __future__ import annotations

from typing import Final

import attrs

from addonkit.errors import UnknownApp
from addonkit.models.token import Role
from addonkit.models.views import AppView
from addonkit.server.endpoints import Call, Endpoints, Page
from addonkit.server.paging import ListQuery, page, page_through
from addonkit.server.resources.words import AppName

endpoint: Final = Endpoints()


@attrs.frozen
class AppResource:
    """An app.

    Attributes:
        name: of the app.
        instances: names of instances that give it variables.
        variables: how many variables are set for it by hand.
    """

    name: str
    instances: tuple[str, ...]
    variables: int


@attrs.frozen
class ChangeApp:
    """A change of an app.

    Attributes:
        name: its new name; variables, instances and attachments go with it.
    """

    name: AppName


@endpoint("GET", "/v1/apps")
async def list_apps(call: Call, query: ListQuery) -> Page[AppResource]:
    """List apps by name."""
    if call.principal.apps:
        found = [await call.kit.listing.app(name) for name in call.principal.apps]
        part = page(filter(None, found), _name, query)
    else:
        part = await page_through(call.kit.listing.apps, _name, query)
    return Page(tuple(map(_resource, part.items)), part.next)


@endpoint("GET", "/v1/apps/{app}")
async def get_app(call: Call, app: str) -> AppResource:
    """Show an app."""
    return _resource(await find(call, app))


@endpoint("PATCH", "/v1/apps/{app}", Role.OPERATOR, current=get_app)
async def change_app(call: Call, app: str, body: ChangeApp) -> AppResource:
    """Give an app another name."""
    await check(call, app)
    call.principal.require_app(body.name, call.attempted)
    await call.kit.rename_app(app, body.name)
    return _resource(await find(call, body.name))


async def find(call: Call, name: str) -> AppView:
    """Return an app within reach.

    Raises:
        UnknownApp: there is none of that name.
    """
    found = await call.kit.listing.app(name) if call.principal.reaches([name]) else None
    if found is None:
        raise _unknown(call, name)
    return found


async def check(call: Call, name: str) -> None:
    """Make sure that there is an app within reach.

    Raises:
        UnknownApp: there is none of that name.
    """
    if not call.principal.reaches([name]) or not await call.kit.has_app(name):
        raise _unknown(call, name)


def _unknown(call: Call, name: str) -> UnknownApp:
    """Return the error names no other apps: they may be out of reach."""
    return UnknownApp(call.attempted, f"there is no app {name!r}", "an app is made by its first addon or variable")


def _name(view: AppView) -> str:
    return view.name


def _resource(view: AppView) -> AppResource:
    return AppResource(view.name, view.instances, view.variables)
