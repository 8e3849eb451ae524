"""Instances as the page shows them: values of the kit in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.models.backup import Backup
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Phase, Purpose
from addonkit.models.sizes import describe_size
from addonkit.models.views import InstanceView
from addonkit.util.connections import count_connections

if TYPE_CHECKING:
    from addonkit.models.result import Usage
    from addonkit.server.access import Principal
    from addonkit.server.metrics import Metrics


@attrs.frozen
class State:
    """A state as a word, with its shape and colour: `ok`, `busy`, `off` or `bad`."""

    word: str
    shape: str


@attrs.frozen
class Row:
    """An instance.

    Attributes:
        view: all about it.
        apps: within reach; `others` tells that there are more.
        mine: whether all its apps are within reach, so that it may be changed.
        state: see State.
        size: in words; empty when it is not known.
        connections: to its server; None when that is not known.
        backup: the newest; None without one.
        notes: what is wrong with it, a sentence each.
        restarts: how often its server was started again since the service began.
    """

    view: InstanceView
    apps: tuple[str, ...]
    others: bool
    mine: bool
    state: State
    size: str = ""
    connections: int | None = None
    backup: Backup | None = None
    notes: tuple[str, ...] = ()
    restarts: int = 0

    @property
    def name(self) -> str:
        """The name of the instance."""
        return self.view.instance.name

    @property
    def kind(self) -> str:
        """`postgresql:small`."""
        return f"{self.view.instance.addon}:{self.view.instance.variant}"

    @property
    def version(self) -> str:
        """Version of the server; empty without one."""
        return self.view.instance.config.get(CONFIG_VERSION, "")

    @property
    def expires(self) -> datetime | None:
        """Return when it may be removed, of one that another has taken the place of."""
        return self.view.instance.expires

    @property
    def alone(self) -> bool:
        """Return whether no other instance lives on its server."""
        return self.view.server is not None and self.view.tenants <= 1

    @property
    def stopped(self) -> bool:
        """Return whether its server can be started."""
        return self.view.server is not None and self.view.server_state in {"stopped", "crashed"}

    @property
    def active(self) -> bool:
        """Return whether it is there and serves apps."""
        return self.view.instance.phase is Phase.ACTIVE and self.view.instance.purpose is Purpose.SERVE

    @property
    def failed(self) -> bool:
        """Return whether something of it failed, and may be tried again."""
        phases = {self.view.instance.phase, *(each.phase for each in self.view.associations)}
        return Phase.ERROR in phases


def row(
    view: InstanceView,
    principal: Principal,
    usage: Usage | None = None,
    connections: int | None = None,
    backup: Backup | None = None,
    restarts: int = 0,
) -> Row:
    """Return what is shown of an instance to a user."""
    named = tuple(sorted({each.app for each in view.associations} | {view.instance.app}))
    apps = tuple(app for app in named if principal.reaches([app]))
    mine = len(apps) == len(named)
    return Row(
        view,
        tuple(app for app in apps if any(each.app == app for each in view.associations)),
        not mine,
        mine,
        state_of(view),
        _size(view, usage),
        connections if mine or view.tenants <= 1 else None,
        backup if mine else None,
        tuple(_notes(view, principal)),
        restarts,
    )


def rows(
    views: Sequence[InstanceView],
    principal: Principal,
    metrics: Metrics,
    backups: Iterable[Backup],
) -> tuple[Row, ...]:
    """Return what is shown of instances to a user."""
    ports = {view.server.id: view.address.port for view in views if view.server and view.address}
    counts = count_connections(set(ports.values()))
    newest = {each.instance: each for each in backups}  # they are sorted by time

    def connections(view: InstanceView) -> int | None:
        runs = view.server is not None and view.server_state == "running"
        return counts.get(ports.get(view.server.id, 0)) if runs and view.server else None

    return tuple(
        row(
            view,
            principal,
            metrics.sizes.get(view.instance.id),
            connections(view),
            newest.get(view.instance.name),
            metrics.restarts.get(view.instance.server, 0),
        )
        for view in views
    )


_PHASES: Final = {
    Phase.PENDING: State("pending", "busy"),
    Phase.PROVISIONING: State("provisioning", "busy"),
    Phase.ERROR: State("error", "bad"),
    Phase.DEPROVISIONING: State("deprovisioning", "busy"),
}

_SERVERS: Final = {
    "running": State("running", "ok"),
    "starting": State("starting", "busy"),
    "stopped": State("stopped", "off"),
    "crashed": State("crashed", "bad"),
}


def state_of(view: InstanceView) -> State:
    """Return how an instance is: where it is on its way, and how its server is once it has arrived."""
    if view.instance.purpose is not Purpose.SERVE:
        return State(str(view.instance.purpose), "off")
    if view.instance.phase is not Phase.ACTIVE:
        return _PHASES[view.instance.phase]
    return _SERVERS.get(view.server_state, State("active", "ok"))


def counted(found: Iterable[Row]) -> tuple[tuple[str, str, int], ...]:
    """Return each state with its shape and how many instances have it, the worst first."""
    counts = Counter(each.state for each in found)
    order = ("bad", "busy", "off", "ok")
    states = sorted(counts, key=lambda each: (order.index(each.shape), each.word))
    return tuple((each.word, each.shape, counts[each]) for each in states)


def _size(view: InstanceView, usage: Usage | None) -> str:
    if usage is not None:
        return f"{'' if usage.complete else 'at least '}{describe_size(usage.bytes)}"
    if view.storage is not None and view.tenants <= 1:
        return describe_size(view.storage.used)
    return ""


def _notes(view: InstanceView, principal: Principal) -> Iterable[str]:
    if view.instance.message:
        yield view.instance.message
    if view.doing:
        yield view.doing
    if view.addon_state != "ok":
        yield f"its addon {view.instance.addon} cannot be used: {view.addon_state}"
    if view.storage is not None and view.storage.is_low:
        yield f"its disk is nearly full: {view.storage.words}"
    if view.newer:
        yield f"restart it to take version {view.newer}"
    yield from view.strangers
    yield from view.troubles
    for each in view.associations:
        if each.message and principal.reaches([each.app]):
            yield f"{each.app}: {each.message}"


def retries_at(view: InstanceView) -> datetime | None:
    """Return when an error is retried by itself."""
    return view.instance.retry_at if view.instance.phase is Phase.ERROR else None
