"""Instances, associations and servers: the entities of the life cycle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from addonkit.models.certificate import Certificate
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.identifiers import variable_prefix
from addonkit.models.options import LISTEN, OptionChange
from addonkit.models.variable import Variable
from addonkit.util.values import frozen


class Phase(StrEnum):
    """The phase of an instance or an association. Gone means: no entity."""

    PENDING = "pending"
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    ERROR = "error"
    DEPROVISIONING = "deprovisioning"


class Purpose(StrEnum):
    """The purpose of an instance.

    `scratch` holds data on trial: a backup that is being proved, or data that are not in their place yet. `former` is
    what another instance has taken the place of.
    """

    SERVE = "serve"
    SCRATCH = "scratch"
    FORMER = "former"


@frozen
class Instance:
    """One provisioned addon: a database, a keyspace, a bucket.

    Attributes:
        id: never used again; resources are named after it.
        name: unique among instances; the word the user types.
        addon: name of the addon; `distribution` is who provided it.
        app: name of the app it was created for.
        variant: name of the variant.
        config: the variant's config as resolved at creation, image and version included.
        phase: see Phase.
        message: why the phase is `error`, or what it waits for.
        retry_at: when an error is retried by itself; None when it waits for the user.
        attempt: provisioning attempts so far; part of execution ids. `teardown` counts deprovisionings.
        failures: provisioning failures in a row, for the backoff.
        server: id of the server it lives on, when it has one.
        claim: its name on a shared server (database, user, prefix ...), unique there.
        variables: of its ProvisionResult, under plain names.
        socket_variables: the same for apps that use its server's Unix socket.
        attributes: of its ProvisionResult.
        purpose: see Purpose; no app has what does not serve.
        successor: id of the instance that has taken its place, of a former one.
        expires: when a former one may be removed.
        moving: id of the execution for which apps are kept from writing into it; also of a former one.
        options: values of options that the user has chosen, see OptionDefinition; they are part of `config`.
        change: values of options that are not in force yet; None when all are.
    """

    kind: ClassVar[str] = "instance"
    indexed: ClassVar[tuple[str, ...]] = ("name", "addon", "app", "phase", "server", "is_changing")

    id: str
    name: str
    addon: str
    app: str
    variant: str
    distribution: str = ""
    config: Mapping[str, str] = attrs.field(factory=dict)
    phase: Phase = Phase.PENDING
    message: str = ""
    retry_at: datetime | None = None
    attempt: int = 1
    teardown: int = 1
    failures: int = 0
    server: str = ""
    claim: str = ""
    variables: tuple[Variable, ...] = ()
    attributes: Mapping[str, Any] = attrs.field(factory=dict)
    purpose: Purpose = Purpose.SERVE
    successor: str = ""
    expires: datetime | None = None
    socket_variables: tuple[Variable, ...] = ()
    moving: str = ""
    options: Mapping[str, str] = attrs.field(factory=dict)
    change: OptionChange | None = None

    @property
    def is_changing(self) -> bool:
        """Return whether options are to be changed and nothing has hindered that yet."""
        return self.change is not None and not self.change.problem

    def variables_by(self, *, socket: bool) -> tuple[Variable, ...]:
        """Return the variables for an app that uses the socket of the server, or its port."""
        return (socket and self.socket_variables) or self.variables


@frozen
class Rotation:
    """Credentials of an association that are being made, to take the place of those that the app has.

    Attributes:
        generation: theirs.
        until: when the former ones are to be revoked, see FormerLogin.
    """

    generation: int
    until: datetime


@frozen
class FormerLogin:
    """Credentials that an association had before; they work until they are revoked.

    Attributes:
        generation: theirs.
        attributes: of their BindResult.
        until: from then on they are revoked as soon as no session uses them.
        revoke: whether they are to be revoked now.
        message: why revoking them failed.
    """

    generation: int
    attributes: Mapping[str, Any]
    until: datetime
    revoke: bool = False
    message: str = ""


@frozen
class Association:
    """The tie between an app and an instance; owns the variables the app receives.

    Attributes:
        id: never used again.
        app: name of the app.
        instance: id of the instance.
        addon: name of the addon.
        alias: the name the user gave (`--as`); empty without one.
        primary: whether the set has (or waits for) its plain names.
        order: position among the app's associations, smallest first; decides ties.
        phase: see Phase.
        message: why the phase is `error`.
        attempt: binding attempts so far; `teardown` counts unbindings.
        plain: variables under their plain names.
        variables: the same under the names the app sees.
        attributes: of its BindResult.
        unset_variables: of the addon's definition, as they were when it became active.
        socket: whether the app uses the Unix socket of the server in place of its port.
        by_port: variables for the server's port under plain names, of an association that uses the socket.
        role: what its credentials may do, one of the addon's roles; empty for the first of them.
        generation: number of its credentials, from 1 on; a rotation makes the next ones. Name credentials after it.
        generations: how many were begun, failed ones included: no number is used again.
        rotation: the credentials that are being made; None when none are.
        formers: credentials that were replaced and are not revoked yet, oldest first.
    """

    kind: ClassVar[str] = "association"
    indexed: ClassVar[tuple[str, ...]] = ("app", "instance", "phase")

    id: str
    app: str
    instance: str
    addon: str
    alias: str = ""
    primary: bool = True
    order: int = 0
    phase: Phase = Phase.PENDING
    message: str = ""
    attempt: int = 1
    teardown: int = 1
    plain: tuple[Variable, ...] = ()
    variables: tuple[Variable, ...] = ()
    attributes: Mapping[str, Any] = attrs.field(factory=dict)
    unset_variables: tuple[str, ...] = ()
    socket: bool = False
    by_port: tuple[Variable, ...] = ()
    role: str = ""
    generation: int = 1
    generations: int = 1
    rotation: Rotation | None = None
    formers: tuple[FormerLogin, ...] = ()

    def of_generation(self, generation: int) -> Association:
        """Return the association as it is, was or will be with the credentials of that generation."""
        if generation == self.generation:
            return self
        former = next((each for each in self.formers if each.generation == generation), None)
        attributes = former.attributes if former else {}
        return attrs.evolve(self, generation=generation, attributes=attributes)

    @property
    def label(self) -> str:
        """The name of the set: the alias, else the addon's name."""
        return self.alias or self.addon

    @property
    def prefix(self) -> str:
        """The prefix by which the set moves: `ANALYTICS_`."""
        return variable_prefix(self.label)


class ServerPhase(StrEnum):
    """The phase of a server."""

    PENDING = "pending"
    ACTIVE = "active"
    REMOVING = "removing"


@frozen
class Server:
    """A running backing server: pool, service and disk, all named after `id`.

    Attributes:
        id: `<addon>-<id>`; never used again, also not for the same instance.
        addon: name of the addon.
        key: what it is found by: the id of the one instance of a dedicated server, or
            `shared:<image>` for a shared one.
        phase: see ServerPhase.
        config: the addon's configuration of it (image, version, ...).
        attributes: the addon's own, JSON values and Secrets (an administrator's password).
        admin_number: how many passwords its administrator has had; a rotation makes the next one.
        certificate: with which it proves who it is at the address where it listens for other machines; None for a
            server that listens on loopback alone.
    """

    kind: ClassVar[str] = "server"
    indexed: ClassVar[tuple[str, ...]] = ("addon", "key", "phase")

    id: str
    addon: str
    key: str
    phase: ServerPhase = ServerPhase.PENDING
    config: Mapping[str, str] = attrs.field(factory=dict)
    attributes: Mapping[str, Any] = attrs.field(factory=dict)
    admin_number: int = 1
    certificate: Certificate | None = None

    @property
    def shared(self) -> bool:
        """Return whether several instances may live on it."""
        return self.key.startswith("shared:")

    @property
    def listen(self) -> str:
        """The address or host name at which other machines reach it; empty for loopback alone."""
        return self.config.get(LISTEN, "")

    @property
    def version(self) -> str:
        """The version of the program that it runs; empty means whatever is there."""
        return self.config.get(CONFIG_VERSION, "")


@frozen
class AddonEntity:
    """The last knowledge of an addon; kept for display while its distribution is away."""

    kind: ClassVar[str] = "addon"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    display_name: str = ""
    description: str = ""
    default_variant: str = ""
    default_version: str = ""
    locality: str = ""
    distribution: str = ""
    version: str = ""
    variants: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
