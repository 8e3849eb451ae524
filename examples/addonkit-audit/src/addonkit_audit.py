"""An audit: a record of every provisioning and deprovisioning, written as a step of its saga."""

import json
import os
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

from addonkit import AddonkitError, Instance, NotConfigured, Saga, hookimpl, step


def _append(what: str, instance: Instance) -> None:
    path = os.environ.get("ADDONKIT_AUDIT_FILE", "")
    attempted = f"writing the audit record of {instance.name}"
    if not path:
        raise NotConfigured(attempted, "ADDONKIT_AUDIT_FILE is not set", "set it to the path of a file")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    spec = f"{instance.addon}:{instance.variant}"
    record = {"at": at, "what": what, "id": instance.id, "name": instance.name, "addon": spec, "app": instance.app}
    try:
        # One write of one line: records of several processes do not mix.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", buffering=1) as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise AddonkitError(attempted, f"{path}: {error.strerror}") from error


@step(undo=None)
async def record_provisioning(instance: Instance) -> None:
    """Write an audit record."""
    _append("provisioned", instance)


@step(undo=None)
async def record_deprovisioning(instance: Instance) -> None:
    """Write an audit record."""
    _append("deprovisioned", instance)


@hookimpl(wrapper=True)
def addon_provision() -> Generator[None, Saga[Any], Saga[Any]]:
    """Add the record to what the addon does."""
    saga = yield
    return saga.with_steps(after=[record_provisioning])


@hookimpl(wrapper=True)
def addon_deprovision() -> Generator[None, Saga[Any], Saga[Any]]:
    """Add the record to what the addon does."""
    saga = yield
    return saga.with_steps(after=[record_deprovisioning])
