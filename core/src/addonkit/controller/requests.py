"""A request for an instance, and what is written for it. Parts of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.lookup import existing, plain_name
from addonkit.controller.retrying import retry_instance
from addonkit.controller.variables import associations_of
from addonkit.errors import AlreadyExists
from addonkit.models.app import App
from addonkit.models.definition import CONFIG_DIGEST, CONFIG_IMAGE, CONFIG_PROGRAMS, CONFIG_VERSION
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.result import ProvisionResult
from addonkit.saga.saga import Saga
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.store.interface import Entity, Reader, Transaction

_ON_THE_WAY: Final = frozenset({Phase.PENDING, Phase.PROVISIONING, Phase.ERROR})


@frozen
class Request:
    """A checked request for a new instance: nothing of it is stored yet.

    Attributes:
        app: name of the app.
        addon: name of the addon; `distribution` provides it.
        variant: name of the variant.
        alias: name the user gave; empty without one.
        config: the variant's config with image and version resolved.
        version: that was asked for; empty when any will do.
        socket: whether the app is to use the Unix socket of the server.
        options: values of options that the user has chosen; they are part of `config`.
        id: of the instance, should it be made.
    """

    app: str
    addon: str
    distribution: str
    variant: str
    alias: str
    config: Mapping[str, str]
    version: str = ""
    socket: bool = False
    options: Mapping[str, str] = attrs.field(factory=dict)
    id: str = attrs.field(factory=new_id)

    @property
    def label(self) -> str:
        """The name by which the app knows the addon."""
        return self.alias or self.addon


@frozen
class Asked:
    """An addon's answer before anything was written: the saga that makes this very instance.

    Attributes:
        instance: that the addon was asked about.
        saga: its answer.
    """

    instance: Instance
    saga: Saga[ProvisionResult]

    def fits(self, instance: Instance) -> bool:
        """Return whether the answer holds for an instance that is about to be made."""
        return attrs.evolve(instance, phase=self.instance.phase) == self.instance


@frozen
class Created:
    """The result of a create or attach: written, or found.

    Attributes:
        instance: as it is stored; `association` is its tie to the app.
        new_app: whether the app was made by this.
        joined: whether an unfinished one was found instead.
        existed: whether a complete one was found instead.
    """

    instance: Instance
    association: Association
    new_app: bool = False
    joined: bool = False
    existed: bool = False


def new_instance(request: Request, name: str = "") -> Instance:
    """Return the instance that is asked for; by default under the name of its app and its alias or addon."""
    return Instance(
        request.id,
        name or plain_name(request.app, request.label),
        request.addon,
        request.app,
        request.variant,
        request.distribution,
        request.config,
        options=request.options,
    )


def create(tx: Transaction, request: Request) -> Created:
    """Write the instance and its association, or find those of the same request.

    Raises:
        AlreadyExists: the app has an addon of that name, which was asked for in other words.
    """
    unfinished = find_former(tx, request)
    if unfinished is not None and unfinished.existed:
        return unfinished
    if unfinished is not None:
        instance = retry_instance(tx, existing(tx, Instance, unfinished.instance.id))
        return Created(instance, existing(tx, Association, unfinished.association.id).value, joined=True)
    new_app = ensure_app(tx, request.app)
    instance = new_instance(request, _free_name(tx, plain_name(request.app, request.label)))
    tx.create(instance.id, instance)
    others = associations_of(tx, request.app)
    return Created(
        instance, associate(tx, instance, request.app, request.alias, others, socket=request.socket), new_app
    )


def find_former(tx: Reader, request: Request) -> Created | None:
    """Return what the same request made before: complete, interrupted, failed, or under way; None without it.

    Raises:
        AlreadyExists: the app has an addon of that name, which was asked for in other words.
    """
    others = associations_of(tx, request.app)
    for association in others:
        if association.label != request.label:
            continue
        entity = tx.get(Instance, association.instance)
        if entity and _same(entity.value, request) and _is_unfinished(entity.value, association):
            return Created(entity.value, association, joined=True)
        if entity and _answers(entity.value, request) and _is_complete(entity.value, association):
            return Created(entity.value, association, existed=True)
    attempted = f"cannot create {request.addon}:{request.variant} for {request.app}"
    check_label(tx, attempted, request.label, others)
    return None


def _is_unfinished(instance: Instance, association: Association) -> bool:
    """Return whether there is something left to do until the app has its variables."""
    if association.phase not in _ON_THE_WAY or instance.phase is Phase.DEPROVISIONING:
        return False
    return instance.phase in _ON_THE_WAY or instance.phase is Phase.ACTIVE


def _is_complete(instance: Instance, association: Association) -> bool:
    return instance.phase is association.phase is Phase.ACTIVE


def _answers(instance: Instance, request: Request) -> bool:
    """Return whether an instance is what a request asks for; a request without a version takes any version."""
    if (instance.addon, instance.variant) != (request.addon, request.variant):
        return False
    named = (CONFIG_VERSION, CONFIG_IMAGE)  # a program's version, or the tag of an image
    same = all(instance.config.get(key) == value for key, value in request.options.items())
    return same and (not request.version or all(instance.config.get(key) == request.config.get(key) for key in named))


def _same(instance: Instance, request: Request) -> bool:
    wanted = (request.addon, request.variant, _asked_for(request.config))
    return (instance.addon, instance.variant, _asked_for(instance.config)) == wanted


def _asked_for(config: Mapping[str, str]) -> dict[str, str]:
    """Return a config without what a registry, or a look at this machine, added to it."""
    return {key: value for key, value in config.items() if key not in {CONFIG_DIGEST, CONFIG_PROGRAMS}}


def check_label(tx: Reader, attempted: str, label: str, others: Sequence[Association]) -> None:
    """Make sure that an app has no addon of that label yet.

    Raises:
        AlreadyExists: it has, with what to do about it.
    """
    for other in others:
        if other.label == label:
            raise AlreadyExists(attempted, *_taken(label, other, tx.get(Instance, other.instance)))


def _taken(label: str, other: Association, there: Entity[Instance] | None) -> tuple[str, str]:
    """Return what stands in the way of a label, and what to do about it."""
    another = "choose another name with --as to add another one"
    if there is None:
        return f"the app already has {label}", another
    name = there.value.name
    if there.value.phase is Phase.DEPROVISIONING:
        return (
            f"the app already has {label} that is being removed",
            f"run `addonkit destroy {name}` first, or {another}",
        )
    if other.phase is Phase.DEPROVISIONING:
        advice = f"run `addonkit detach {name} -a {other.app}` first, or {another}"
        return f"the app already has {label} that is being detached", advice
    if Phase.ERROR in {there.value.phase, other.phase}:
        advice = f"run `addonkit retry {name}` to try again, or `addonkit destroy {name}` to remove it"
        return f"the app already has {label}, which failed", advice
    return f"the app already has {label}", another


def ensure_app(tx: Transaction, name: str) -> bool:
    """Write the app unless it is there; whether it is new."""
    if tx.get(App, name) is not None:
        return False
    tx.create(name, App(name))
    return True


def associate(
    tx: Transaction,
    instance: Instance,
    app: str,
    alias: str,
    others: Sequence[Association],
    *,
    socket: bool = False,
    role: str = "",
) -> Association:
    """Write the tie of an app to an instance, behind the app's others."""
    order = max((a.order for a in others), default=0) + 1
    association = Association(
        new_id(), app, instance.id, instance.addon, alias, primary=not alias, order=order, socket=socket, role=role
    )
    return tx.create(association.id, association).value


def _free_name(tx: Reader, wanted: str) -> str:
    name, number = wanted, 1
    while tx.list(Instance, {"name": name}, limit=1).items:
        number += 1
        name = f"{wanted}-{number}"
    return name
