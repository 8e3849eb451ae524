"""The hooks. Imports no client library: what needs it imports it when a step runs."""

from __future__ import annotations

from collections.abc import Mapping

from addonkit import (
    AddonDefinition,
    Association,
    BindResult,
    Fingerprint,
    Instance,
    ProvisionResult,
    Saga,
    Sessions,
    Usage,
    hookimpl,
)
from addonkit_s3_remote.credentials import BIND, SESSIONS, UNBIND, user_to_remove
from addonkit_s3_remote.definition import DEFINITION
from addonkit_s3_remote.moving import BACKUP, FINGERPRINT, RESTORE
from addonkit_s3_remote.options import CONFIGURE, OPTIONS
from addonkit_s3_remote.sagas import DEPROVISION, MEASURE, PROVISION


@hookimpl
def addon_definition() -> AddonDefinition:
    """See hookspecs."""
    return DEFINITION


@hookimpl
def addon_provision() -> Saga[ProvisionResult]:
    """See hookspecs."""
    return PROVISION


@hookimpl
def addon_deprovision() -> Saga[None]:
    """See hookspecs."""
    return DEPROVISION


@hookimpl
def addon_bind(instance: Instance) -> Saga[BindResult]:
    """See hookspecs."""
    # A plan asks before there is an instance.
    known = instance.attributes
    return BIND.bind(bucket=known.get("bucket", ""), prefix=known.get("prefix", ""))


@hookimpl
def addon_unbind(association: Association) -> Saga[None]:
    """See hookspecs."""
    return UNBIND.bind(user=user_to_remove(association))


@hookimpl
def addon_sessions() -> Saga[Sessions]:
    """See hookspecs."""
    return SESSIONS


@hookimpl
def addon_configure(instance: Instance, config: Mapping[str, str]) -> Saga[None]:
    """See hookspecs."""
    names = {each.name for each in OPTIONS}
    former = {name: value for name, value in instance.config.items() if name in names}
    wanted = {name: value for name, value in config.items() if name in names}
    return CONFIGURE.bind(former=former, wanted=wanted)


@hookimpl
def addon_usage() -> Saga[Usage]:
    """See hookspecs."""
    return MEASURE


@hookimpl
def addon_backup() -> Saga[Fingerprint]:
    """See hookspecs."""
    return BACKUP


@hookimpl
def addon_restore() -> Saga[None]:
    """See hookspecs."""
    return RESTORE


@hookimpl
def addon_fingerprint() -> Saga[Fingerprint]:
    """See hookspecs."""
    return FINGERPRINT
