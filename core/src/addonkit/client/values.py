"""Makes values of the documents of the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from addonkit.models.address import Address
from addonkit.models.backup import Backup, Proof
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.instance import Association, Instance, Phase, Purpose, Server, ServerPhase
from addonkit.models.option_values import OptionType
from addonkit.models.options import OptionDefinition
from addonkit.models.result import Extension, Usage
from addonkit.models.secret import Secret
from addonkit.models.token import Role, Token
from addonkit.models.trash import TrashedInstance
from addonkit.models.variable import Variable, VariableMove
from addonkit.models.views import (
    BoundService,
    Environment,
    EnvironmentEntry,
    InstanceView,
    OptionPlan,
    OptionView,
    ServerTarget,
)
from addonkit.models.vitals import Vitals

Json = Mapping[str, Any]


def instance_of(data: Json) -> Instance:
    """Return an instance."""
    return Instance(
        data["id"],
        data["name"],
        data["addon"],
        data["app"],
        data["variant"],
        config={CONFIG_VERSION: data["version"]} if data["version"] else {},
        phase=Phase(data["phase"]),
        message=data["message"],
        retry_at=_time(data["retry_at"]),
        server=data["server"]["id"] if data["server"] else "",
        purpose=Purpose(data["purpose"]),
        expires=_time(data["expires"]),
    )


def association_of(data: Json, instance: Json, values: Mapping[str, Variable] | None = None) -> Association:
    """Return an association; `values` are those of variables, where they are known."""
    known = values or {}
    variables = tuple(known.get(name, Variable(name, Secret(""), sensitive=True)) for name in data["variables"])
    return Association(
        data["id"],
        data["app"],
        instance["id"],
        instance["addon"],
        data["alias"],
        phase=Phase(data["phase"]),
        message=data["message"],
        role=data["role"],
        variables=variables,
        plain=variables,
    )


def view_of(data: Json) -> InstanceView:
    """Return an instance with all that belongs to it."""
    server, found = data["server"], instance_of(data)
    ties = tuple(association_of(each, data) for each in data["associations"])
    if server is None:
        return InstanceView(found, ties, data["addon_state"], doing=data["doing"])
    key = f"shared:{server['id']}" if server["shared"] else found.id
    return InstanceView(
        found,
        ties,
        data["addon_state"],
        Server(server["id"], found.addon, key, ServerPhase.ACTIVE),
        server["state"],
        address_of(data),
        server["instances"],
        data["doing"],
        server["newer"],
    )


def address_of(data: Json) -> Address | None:
    """Return where the server of an instance listens, seen from the machine of the service."""
    server = data["server"]
    return Address(server["host"], server["port"]) if server and server["port"] else None


def environment_of(data: Json) -> Environment:
    """Return what an app receives."""
    entries = tuple(EnvironmentEntry(_variable(each), each["source"]) for each in data["variables"])
    pending, unset, failed = tuple(data["pending"]), tuple(data["unset"]), dict(data["failed"])
    services = tuple(map(_service, data["services"])) if "services" in data else None  # of an older service
    return Environment(data["app"], entries, pending, unset, failed, services=services)


def moves_of(data: Json) -> tuple[VariableMove, ...]:
    """Return variables that have other names."""
    return tuple(VariableMove(each["set"], each["old"], each["new"], each["reason"]) for each in data["moves"])


def vitals_of(data: Json) -> Vitals:
    """Return what a running server tells of an instance."""
    usage = Usage(**data["usage"]) if data["usage"] else None
    return Vitals(usage, data["sessions"], data["uptime"], _time(data["last_backup"]))


def option_of(data: Json) -> OptionView:
    """Return an option of an instance; of its limits only their words are known."""
    known = OptionDefinition(
        data["name"],
        data["description"],
        OptionType(data["type"]),
        choices=(data["allowed"],),
        restart=data["restart"],
        changeable=data["changeable"],
        restart_words=tuple(data["restart_words"]),
    )
    return OptionView(known, data["value"], data["former"], data["chosen"], data["coming"])


def option_plan_of(data: Json) -> OptionPlan:
    """Return what a change of options would do."""
    return OptionPlan(data["instance"], data["server"], tuple(map(option_of, data["changes"])), data["restart"])


def extension_of(data: Json) -> tuple[Extension, bool]:
    """Return an extension, and whether the operator allows it."""
    return Extension(data["name"], data["installed"], data["available"], data["description"]), data["allowed"]


def server_target_of(data: Json) -> ServerTarget:
    """Return a server that is to be stopped, started or restarted."""
    return ServerTarget(data["server"], tuple(data["instances"]), tuple(data["chosen"]), tuple(data["apps"]))


def backup_of(data: Json) -> Backup:
    """Return a backup; where its archive is, only the service knows."""
    verified = _time(data["verified"])
    proof = Proof(verified, data["sha256"], data["items"]) if verified else None
    return Backup(data["name"], data["addon"], _known_time(data["created"]), data["size"], "", proof)


def trashed_of(data: Json) -> TrashedInstance:
    """Return an instance that was destroyed; of its attachments only the apps are known."""
    destroyed, expires = _known_time(data["destroyed"]), _known_time(data["expires"])
    backup = Backup(data["backup"], data["addon"], destroyed, data["size"], "")
    about = (data["id"], data["name"], data["addon"], data["app"], data["variant"])
    ties = tuple(Association("", app, data["id"], data["addon"]) for app in data["apps"])
    return TrashedInstance(*about, backup, destroyed, expires, ties=ties)


def token_of(data: Json) -> Token:
    """Return a token, without its digest."""
    apps, created = tuple(data["apps"]), _time(data["created"])
    return Token(data["id"], data["name"], Role(data["role"]), "", apps, created)


def _service(data: Json) -> BoundService:
    variables = tuple(map(_variable, data["variables"]))
    return BoundService(data["name"], data["addon"], data["variant"], data["alias"], variables)


def _variable(data: Json) -> Variable:
    text = data["value"] or ""
    return Variable(data["name"], Secret(text) if data["sensitive"] else text, sensitive=data["sensitive"])


def _known_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
