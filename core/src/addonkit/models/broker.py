"""Requests of platforms through the Open Service Broker API, under their own ids."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from addonkit.util.values import frozen


class BrokerVerb(StrEnum):
    """The last request of a platform."""

    MAKE = "make"
    UPDATE = "update"
    REMOVE = "remove"


@frozen
class ServiceInstance:
    """A service instance of a platform.

    Attributes:
        id: that the platform gave.
        service_id: of the catalog; `plan_id` too.
        plan_id: that it has.
        parameters: that it has.
        place: organization and space, which belong to what was asked for.
        app: that the instance is created for, in the platform's stead.
        verb: what was asked for last; `operation` is the id of that operation.
        wanted_plan: that an update is to bring; `wanted_parameters` and `wanted_version` (of the server) too.
    """

    kind: ClassVar[str] = "broker-instance"
    indexed: ClassVar[tuple[str, ...]] = ()

    id: str
    service_id: str
    plan_id: str
    parameters: Mapping[str, Any]
    place: Mapping[str, Any]
    app: str
    operation: str
    verb: BrokerVerb = BrokerVerb.MAKE
    wanted_plan: str = ""
    wanted_parameters: Mapping[str, Any] = attrs.field(factory=dict)
    wanted_version: str = ""


@frozen
class ServiceBinding:
    """A service binding of a platform.

    Attributes:
        id: that the platform gave, unique in its service instance.
        instance: id of the service instance.
        asked: what was asked for, to tell a repeated request from another one.
        app: that is attached, in the stead of the platform's.
        verb: what was asked for last; `operation` is the id of that operation.
    """

    kind: ClassVar[str] = "broker-binding"
    indexed: ClassVar[tuple[str, ...]] = ("instance",)

    id: str
    instance: str
    asked: Mapping[str, Any]
    app: str
    operation: str
    verb: BrokerVerb = BrokerVerb.MAKE
