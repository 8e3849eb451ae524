"""Finds names for completion: in the state of the home, and in what is installed. Opens no kit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3

    from addonkit.models.definition import AddonDefinition

_EXECUTIONS: Final = 200
"""Executions that are offered at most, newest first."""

Params = Mapping[str, Any]


def candidates(kind: str, params: Params, incomplete: str, home: str | None = None) -> list[str]:
    """Return names of a kind that begin with what is typed. What cannot be read offers nothing.

    Args:
        kind: one of KINDS.
        params: what the command line has so far; an app widens instances by what it calls them.
        incomplete: what is typed of the name.
        home: directory given with `--home`.
    """
    found: dict[str, None] = {}
    # Entities of another version of addonkit may have other fields.
    with suppress(OSError, ValueError, LookupError, TypeError), closing(_state(home)) as state:
        found.update(dict.fromkeys(_STORED.get(kind, _nothing)(state, params)))
        params = {**params, **_instance_of(state, str(params.get("instance") or ""), params)}
    if kind in _DECLARED:
        found.update(dict.fromkeys(_DECLARED[kind](params, incomplete)))
    return sorted(name for name in found if name.startswith(incomplete))


class _Unreadable(ValueError):
    """The state cannot be read."""


class _State:
    """The state of a home, read only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Return rows. Raises _Unreadable."""
        import sqlite3

        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _Unreadable(str(error)) from error

    def names(self, kind: str) -> list[str]:
        """Return names of entities of a kind."""
        return [name for (name,) in self.rows("SELECT name FROM entity WHERE kind = ?", kind)]

    def values(self, kind: str) -> list[dict[str, Any]]:
        """Return entities of a kind as they are stored."""
        return [json.loads(data) for (data,) in self.rows("SELECT data FROM entity WHERE kind = ?", kind)]

    def with_field(self, kind: str, field: str, value: str) -> list[dict[str, Any]]:
        """Return entities of a kind whose indexed field has a value."""
        query = (
            "SELECT data FROM entity JOIN entity_index USING (kind, name) WHERE kind = ? AND field = ? AND value = ?"
        )
        return [json.loads(data) for (data,) in self.rows(query, kind, field, value)]

    def indexed(self, kind: str, field: str) -> list[str]:
        """Return the texts of an indexed field."""
        query = "SELECT value FROM entity_index WHERE kind = ? AND field = ?"
        return [value for (value,) in self.rows(query, kind, field)]

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def _state(home: str | None) -> _State:
    """Open the state. Raises _Unreadable."""
    import sqlite3

    from addonkit.kit.home import find_home

    path = find_home(home, os.environ) / "state.db"
    try:
        return _State(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.5))
    except sqlite3.Error as error:
        raise _Unreadable(str(error)) from error


def _nothing(_state: _State, _params: Params) -> Iterable[str]:
    return ()


def _apps(state: _State, _params: Params) -> Iterable[str]:
    return state.names("app")


def _instances(state: _State, params: Params) -> Iterator[str]:
    yield from state.indexed("instance", "name")
    if params.get("app"):
        for association in state.with_field("association", "app", str(params["app"])):
            yield association["alias"] or association["addon"]


def _trash(state: _State, _params: Params) -> Iterable[str]:
    return state.indexed("trash", "name")


def _addons(state: _State, _params: Params) -> Iterable[str]:
    return state.names("addon")


def _specs(state: _State, _params: Params) -> Iterator[str]:
    for addon in state.values("addon"):
        yield addon["name"]
        yield from (f"{addon['name']}:{variant}" for variant in addon["variants"])


def _versions(state: _State, params: Params) -> Iterator[str]:
    """Yield default versions, and those of instances that there are."""
    wanted = _addon_of(params) or _instance_of(state, str(params.get("instance") or ""), params).get("addon", "")
    for addon in state.values("addon"):
        if wanted in {"", addon["name"]} and addon["default_version"]:
            yield addon["default_version"]
    for instance in state.values("instance"):
        if wanted in {"", instance["addon"]} and instance["config"].get("_version"):
            yield instance["config"]["_version"]


def _executions(state: _State, _params: Params) -> Iterable[str]:
    query = f"SELECT name FROM entity WHERE kind = 'execution' ORDER BY created DESC LIMIT {_EXECUTIONS}"  # noqa: S608 - a constant
    return (name for (name,) in state.rows(query))


def _manual_keys(state: _State, params: Params) -> Iterator[str]:
    for app in state.values("app"):
        if app["name"] == str(params.get("app") or ""):
            yield from (each["key"] for each in app["variables"])


def _keys(state: _State, params: Params) -> Iterator[str]:
    yield from _manual_keys(state, params)
    for association in state.with_field("association", "app", str(params.get("app") or "")):
        yield from (each["key"] for each in association["variables"])


def _instance_of(state: _State, name: str, params: Params) -> dict[str, str]:
    """Return addon and variant of the instance of that name, or of that alias in the app; empty without one."""
    found = state.with_field("instance", "name", name) if name else []
    if name and not found and params.get("app"):
        ties = state.with_field("association", "app", str(params["app"]))
        ids = {each["instance"] for each in ties if name in {each["alias"], each["addon"]}}
        found = [each for each in state.values("instance") if each["id"] in ids]
    return {"addon": found[0]["addon"], "variant": found[0]["variant"]} if len(found) == 1 else {}


def _addon_of(params: Params) -> str:
    return str(params.get("spec") or params.get("addon") or "").partition(":")[0]


def _installed(_params: Params, _incomplete: str) -> Iterable[str]:
    from addonkit.cli.declarations import installed_addons

    return installed_addons()


def _installed_specs(_params: Params, incomplete: str) -> Iterator[str]:
    from addonkit.cli.declarations import installed_addons

    names = installed_addons()
    yield from names
    name, colon, _ = incomplete.partition(":")
    definition = _definition({"addon": name}) if colon and name in names else None
    yield from (f"{name}:{each.name}" for each in (definition.variants if definition else ()))


def _definition(params: Params) -> AddonDefinition | None:
    from addonkit.cli.declarations import definition_of

    name = _addon_of(params)
    return definition_of(name) if name else None


def _default_version(params: Params, _incomplete: str) -> Iterator[str]:
    definition = _definition(params)
    if definition is not None and definition.default_version:
        yield definition.default_version


def _variants(params: Params, _incomplete: str) -> Iterator[str]:
    definition = _definition(params)
    yield from (each.name for each in (definition.variants if definition else ()) if each.name != params.get("variant"))


def _roles(params: Params, _incomplete: str) -> Iterator[str]:
    definition = _definition(params)
    yield from definition.roles if definition else ()


def _settings(params: Params, _incomplete: str) -> Iterator[str]:
    definition = _definition(params)
    yield from (f"{each.name}=" for each in (definition.settings if definition else ()))


def _options(params: Params, _incomplete: str) -> Iterator[str]:
    definition = _definition(params)
    if definition is None:
        return
    variant = str(
        params.get("variant") or str(params.get("spec") or "").partition(":")[2] or definition.default_variant
    )
    yield from (each.name for each in definition.options_of(variant).offered)


def _assignments(params: Params, incomplete: str) -> Iterator[str]:
    yield from (f"{name}=" for name in _options(params, incomplete))


_STORED: Final[Mapping[str, Callable[[_State, Params], Iterable[str]]]] = {
    "app": _apps,
    "instance": _instances,
    "addon": _addons,
    "spec": _specs,
    "version": _versions,
    "execution": _executions,
    "backup": _instances,
    "trash": _trash,
    "key": _keys,
    "manual": _manual_keys,
}
_DECLARED: Final[Mapping[str, Callable[[Params, str], Iterable[str]]]] = {
    "addon": _installed,
    "spec": _installed_specs,
    "version": _default_version,
    "variant": _variants,
    "role": _roles,
    "setting": _settings,
    "option": _options,
    "assignment": _assignments,
}
KINDS: Final = frozenset((*_STORED, *_DECLARED))
