"""Answers of operations: values for people and programs, made of entities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from addonkit.models.address import Address
from addonkit.models.instance import Association, Instance, Server
from addonkit.models.options import OptionDefinition
from addonkit.models.storage import StorageUse
from addonkit.models.variable import Variable, VariableMove
from addonkit.util.values import frozen

MANUAL: Final = "manual"
"""Source of variables that are set by hand."""

NOT_INSTALLED: Final = "not installed"
"""State of an addon whose distribution is not there."""


@frozen
class PlannedStep:
    """One step of what would be done. `depth` is 1 for steps of a saga that another one starts."""

    saga: str
    name: str
    title: str
    depth: int = 0


@frozen
class Plan:
    """The effect of an operation, without doing it.

    Attributes:
        summary: one sentence.
        steps: in order.
        appear: names of variables the app would get.
        move: names that would change.
        vanish: `app: NAME` of variables that would go.
        lost: what would be lost for good, in words; empty when nothing is.
        stays: what addonkit would leave behind, in words.
    """

    summary: str
    steps: tuple[PlannedStep, ...] = ()
    appear: tuple[str, ...] = ()
    move: tuple[VariableMove, ...] = ()
    vanish: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


@frozen
class InstanceView:
    """An instance with all that belongs to it.

    Attributes:
        instance: the entity.
        associations: apps it is attached to, by order.
        addon_state: `ok`, or why its addon cannot be asked, as NOT_INSTALLED.
        server: where it lives, if anywhere.
        server_state: `running`, `starting`, `stopped`, `crashed`, or empty without a server.
        address: of the server.
        tenants: how many instances live on the server.
        doing: the step that is being worked on, or was when work stopped; empty when nothing is under way.
        newer: version of the program that a restart of the server takes, when it runs another one; else empty.
        strangers: other processes that listen where apps look for the server, a clause each.
        storage: what was last seen of the server's disk; None when nothing was.
        troubles: what is wrong with its backups, a clause each.
    """

    instance: Instance
    associations: tuple[Association, ...] = ()
    addon_state: str = "ok"
    server: Server | None = None
    server_state: str = ""
    address: Address | None = None
    tenants: int = 0
    doing: str = ""
    newer: str = ""
    strangers: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    storage: StorageUse | None = None


@frozen
class ServerTarget:
    """A server that is to be stopped, started or restarted.

    Attributes:
        server: its id.
        instances: names of all that live on it; `chosen` are those of them that were asked for.
        apps: that receive variables of one of them.
    """

    server: str
    instances: tuple[str, ...]
    chosen: tuple[str, ...]
    apps: tuple[str, ...] = ()

    @property
    def others(self) -> tuple[str, ...]:
        """Instances that are touched as well."""
        return tuple(name for name in self.instances if name not in self.chosen)


@frozen
class OptionView:
    """An option of an instance.

    Attributes:
        definition: what the addon says about it.
        value: in force, or to be; empty when the server's own is left as it is.
        former: in a plan, the value that is in force; elsewhere the default.
        chosen: whether the user has chosen the value.
        coming: value that is to be in force and is not yet; empty when there is none.
    """

    definition: OptionDefinition
    value: str
    former: str = ""
    chosen: bool = False
    coming: str = ""

    @property
    def name(self) -> str:
        """The name of the option."""
        return self.definition.name


@frozen
class OptionPlan:
    """The effect of a change of options.

    Attributes:
        instance: its name.
        server: id of its server; empty without one.
        changes: options whose values change.
        restart: whether its server restarts.
    """

    instance: str
    server: str
    changes: tuple[OptionView, ...]
    restart: bool = False


@frozen
class AppView:
    """An app by name.

    Attributes:
        name: of the app.
        instances: names of instances it is attached to, sorted.
        variables: how many variables are set for it by hand.
    """

    name: str
    instances: tuple[str, ...] = ()
    variables: int = 0


@frozen
class EnvironmentEntry:
    """A variable of an app's environment and where it comes from: `manual`, or an instance's name."""

    variable: Variable
    source: str


@frozen
class BoundService:
    """An instance as one app uses it.

    Attributes:
        name: of the instance.
        addon: its name.
        variant: its name.
        alias: the name that the app gave (`--as`); empty without one.
        variables: of the app's credentials, under their plain names.
    """

    name: str
    addon: str
    variant: str
    alias: str = ""
    variables: tuple[Variable, ...] = ()


@frozen
class Environment:
    """The variables of an app.

    Attributes:
        app: its name.
        entries: by source, manual ones first.
        pending: names of instances whose variables are not there yet.
        failed: names of instances that failed to give variables, to the reason.
        programs: directories of client programs that fit the servers.
        unset: names that must not reach the app from the shell, sorted; a trailing `*` stands for any ending.
        services: instances that the app uses, in its order; None where only the variables are known.
    """

    app: str
    entries: tuple[EnvironmentEntry, ...] = ()
    pending: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    failed: Mapping[str, str] = attrs.field(factory=dict)
    programs: tuple[str, ...] = ()
    services: tuple[BoundService, ...] | None = None

    @property
    def values(self) -> dict[str, str]:
        """Names to values in clear."""
        return {entry.variable.key: entry.variable.text for entry in self.entries}

    def as_dict(self) -> dict[str, str]:
        """Return names to values in clear."""
        return self.values


@frozen
class Finding:
    """Something that is not as it should be.

    Attributes:
        kind: `orphan-process`, `orphan-disk`, `orphan-server`, `orphan-claim`, `lost-data`,
            `changed-password`, `server-down`,
            `server-hung`, `server-elsewhere`, `server-outdated`, `shared-user`, `outdated-rights`, `hogged-server`,
            `former-login`, `port-taken`, `unfinished`, `failed`,
            `blocked-execution`, `stranded-execution`, `broken-addon`, `addon-not-installed`, `store-damage`,
            `interrupted-backup`, `expired-former`, `leftover-scratch`, `unverified-backup`, `backup-trouble`,
            `backups-on-same-disk`, `backups-unreachable`, `outdated-file`, `lost-secrets`, `certificate`,
            `authority-file`, `not-listening`, `full-disk`.
        subject: what it is about.
        problem: what is wrong, and what to do about it.
        fix: what `doctor --fix` would do about it; empty when only a person can.
        key: id of what a fix works on, where `subject` is a name that people know.
    """

    kind: str
    subject: str
    problem: str
    fix: str = ""
    key: str = ""
