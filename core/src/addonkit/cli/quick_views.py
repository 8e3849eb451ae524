"""The quick way to what `list` prints: the state, a look at the servers, and what the last look found.

It answers only when there is nothing to do and nothing to explain: what is shown is active, and the servers that the
long way would start or wait for run and answer. In every other case, and whenever anything is odd, the answer is None.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from addonkit.cli.installed_cache import Installed, addon_key, load_installed, program_key
from addonkit.cli.server_states import RUNNING, process_of, state_of
from addonkit.cli.state_reader import ACTIVE, open_state

if TYPE_CHECKING:
    from pathlib import Path

    from addonkit.cli.state_reader import StateReader
    from addonkit.models.address import Address
    from addonkit.models.instance import Association, Instance
    from addonkit.models.storage import StorageUse
    from addonkit.models.views import InstanceView

Tree = dict[str, Any]


class Listing(NamedTuple):
    """The instances that are asked for, by name, and how many there are in all."""

    views: tuple[InstanceView, ...]
    total: int


class _NotPlain(Exception):
    """Leaves to the long way what takes more than reading."""


def read_list(home: str | None, app: str | None, *, start: bool) -> Listing | None:
    """Return what `list` shows, or None when more than reading is needed to tell.

    Args:
        home: directory given with `--home`.
        app: only its instances.
        start: whether servers that are down are to be started.
    """
    try:
        with open_state(home) as reader:
            return None if reader is None else _list(reader, app, start=start)
    except Exception:  # noqa: BLE001 - whatever it is, the long way finds out and tells
        return None


def _list(reader: StateReader, app: str | None, *, start: bool) -> Listing:
    look = _Look(reader, whole=app is None)
    if app is None:
        shown = reader.list("instance")
        ties = reader.list("association")
        if start:
            look.check_all()
    else:
        look.check_app(app, start=start)
        shown = _of_app(reader, app)
        ties = [tie for instance in shown for tie in reader.list("association", "instance", instance["id"])]
    views = look.views(sorted(shown, key=lambda each: str(each["name"])), ties)
    return Listing(views, len(views) if app is None else reader.count("instance"))


def _of_app(reader: StateReader, app: str) -> list[Tree]:
    """Return instances that were created for an app, and those that it is tied to."""
    found = {each["id"]: each for each in reader.list("instance", "app", app)}
    for tie in reader.list("association", "app", app):
        instance = reader.get("instance", tie["instance"])
        if instance is not None:
            found[instance["id"]] = instance
    return [*found.values()]


class _Look:
    """Looks at each server once.

    Args:
        reader: reads the state.
        whole: whether all instances are shown: then notes about them are read at once.
    """

    def __init__(self, reader: StateReader, *, whole: bool = False) -> None:
        self._reader = reader
        self._pools: dict[str, Tree] = {}
        self._states: dict[str, str] = {}
        self._installed_cache: Installed | None = None
        self._whole = whole
        self._notes: dict[str, dict[str, Tree]] = {}

    def check_all(self) -> None:
        """Make sure that no server is to be started or removed."""
        if self._reader.count("server", "phase", "removing"):
            raise _NotPlain
        for server in self._reader.list("server", "phase", ACTIVE):
            if self._reader.get("pool", server["id"]) is not None:
                self._state(server["id"])

    def check_app(self, app: str, *, start: bool) -> None:
        """Make sure that there is an app, and that the servers that it uses run."""
        if self._reader.get("app", app) is None:
            raise _NotPlain
        for tie in self._reader.list("association", "app", app) if start else ():
            instance = self._reader.get("instance", tie["instance"])
            if instance is not None and instance["server"] and self._state(instance["server"]) != RUNNING:
                raise _NotPlain

    def views(self, instances: Sequence[Tree], ties: Iterable[Tree]) -> tuple[InstanceView, ...]:
        """Return views of instances, in this order, with those of the associations that are theirs."""
        by_instance: dict[str, list[Tree]] = {each["id"]: [] for each in instances}
        for tie in sorted(ties, key=lambda each: (each["order"], each["id"])):
            if tie["instance"] in by_instance:
                by_instance[tie["instance"]].append(tie)
        servers = {each["server"] for each in instances} - {""}
        tenants = {server: self._reader.count("instance", "server", server) for server in servers}
        return tuple(self._view(each, by_instance[each["id"]], tenants) for each in instances)

    def _view(self, instance: Tree, ties: Collection[Tree], tenants: Mapping[str, int]) -> InstanceView:
        from addonkit.models.instance import Server
        from addonkit.models.views import InstanceView

        if not _is_plain(instance) or any(tie["phase"] != ACTIVE for tie in ties):
            raise _NotPlain
        if addon_key(instance["addon"], instance["distribution"]) not in self._installed().addons:
            raise _NotPlain
        own, associations = _instance(instance), tuple(map(_association, ties))
        troubles = self._troubles(instance)
        if not instance["server"]:
            return InstanceView(own, associations, troubles=troubles)
        found = self._reader.get("server", instance["server"])
        if found is not None and found.get("certificate"):
            raise _NotPlain  # there is something to tell of it
        server = None if found is None else Server(found["id"], found["addon"], found["key"])
        state = self._state(instance["server"])
        if state == RUNNING and self._is_outdated(self._pools[instance["server"]]):
            raise _NotPlain
        return InstanceView(
            own,
            associations,
            "ok",
            server,
            state,
            self._address(instance["server"], instance["config"].get("listen", "")),
            tenants[instance["server"]],
            troubles=troubles,
            storage=self._storage(instance["server"]),
        )

    def _troubles(self, instance: Tree) -> tuple[str, ...]:
        """Return what is wrong with its backups, a clause each."""
        found = self._note("backup-state", "id", instance["id"])
        return _backup_troubles(found, instance["name"]) if found else ()

    def _note(self, kind: str, key: str, value: str) -> Tree | None:
        if not self._whole:
            return self._reader.get(kind, value)
        if kind not in self._notes:
            self._notes[kind] = {str(each[key]): each for each in self._reader.list(kind)}
        return self._notes[kind].get(value)

    def _storage(self, server: str) -> StorageUse | None:
        from addonkit.models.storage import StorageUse as Made

        tree = self._note("storage", "name", server)
        if tree is None:
            return None
        measured = datetime.fromisoformat(tree["measured"]) if tree["measured"] else None
        return Made(tree["name"], tree["used"], tree["limit"], measured, tree["denied"])

    def _state(self, server: str) -> str:
        if server not in self._states:
            pool = self._reader.get("pool", server)
            state = "" if pool is None else state_of(self._reader, pool)
            if pool is None or not state:
                raise _NotPlain
            self._pools[server], self._states[server] = pool, state
        return self._states[server]

    def _is_outdated(self, pool: Tree) -> bool:
        """Return whether the server runs another program than is installed; see `runnable.newer_version`."""
        program = pool["spec"]["program"]
        installed = self._installed().programs[program_key(program)]
        return bool(installed) and _runs_another(self._reader.home, pool["name"], program, installed)

    def _address(self, server: str, listen: str) -> Address | None:
        from addonkit.models.address import Address

        pool = self._pools[server]
        for port in pool["spec"]["ports"]:
            if port["name"] in pool["ports"]:
                return Address(listen or pool["host"], pool["ports"][port["name"]])
        return None

    def _installed(self) -> Installed:
        if self._installed_cache is None:
            self._installed_cache = load_installed(self._reader.home)
        if self._installed_cache is None:
            raise _NotPlain
        return self._installed_cache


def _is_plain(instance: Tree) -> bool:
    return (
        instance.get("purpose", "serve") == "serve"
        and instance["phase"] == ACTIVE
        and not instance.get("moving")
        and not instance["message"]
        and instance["retry_at"] is None
        and instance.get("change") is None
    )


def _backup_troubles(tree: Tree, name: str) -> tuple[str, ...]:
    from datetime import UTC, datetime

    from addonkit.models.backup_state import BackupState

    due, verified = (datetime.fromisoformat(tree[key]) if tree[key] else None for key in ("overdue_at", "verified"))
    state = BackupState(
        tree["id"],
        tree["cron"],
        verified=verified,
        unverified=tree["unverified"],
        failure=tree["failure"],
        overdue_at=due,
    )
    return state.troubles(datetime.now(UTC), name)


def _runs_another(home: Path, server: str, program: Tree, installed: str) -> bool:
    link = f"/proc/{process_of(home, server)}/exe"
    try:
        path = os.readlink(link).removesuffix(" (deleted)")  # noqa: PTH115 - the path need not exist
        if os.path.basename(path) not in program["source"]["executables"][0].split("|"):  # noqa: PTH119 - a text
            return False
        return not os.path.samestat(os.stat(link), os.stat(installed))  # noqa: PTH116 - of a file that may be deleted
    except OSError:
        return False


def _instance(tree: Tree) -> Instance:
    """Return what is shown of an instance; its variables and attributes are not."""
    from addonkit.models.instance import Instance, Phase

    return Instance(
        tree["id"],
        tree["name"],
        tree["addon"],
        tree["app"],
        tree["variant"],
        tree["distribution"],
        tree["config"],
        Phase.ACTIVE,
        server=tree["server"],
        options=tree.get("options", {}),
    )


def _association(tree: Tree) -> Association:
    """Return what is shown of an association: of its variables the names."""
    from addonkit.models.instance import Association, Phase
    from addonkit.models.variable import Variable

    variables = tuple(Variable(each["key"], "") for each in tree["variables"])
    if tree.get("formers"):
        raise _NotPlain  # there is something to tell of them
    return Association(
        tree["id"],
        tree["app"],
        tree["instance"],
        tree["addon"],
        tree["alias"],
        order=tree["order"],
        phase=Phase.ACTIVE,
        message=tree["message"],
        variables=variables,
        role=tree.get("role", ""),
    )
