"""Environments written as documents: JSON, `VCAP_SERVICES` of Cloud Foundry, a Secret of Kubernetes. Pure functions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from addonkit.errors import InvalidInput
from addonkit.util.env_lines import check_text

_SECRET_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_SECRET_SIZE: Final = 1024 * 1024
"""Bytes that all values of a Secret may have together."""

_USER_PROVIDED: Final = "user-provided"


@attrs.frozen
class ServiceContent:
    """A service that an app uses.

    Attributes:
        name: of the instance.
        alias: that the app gave it; empty without one.
        label: name of the addon.
        plan: name of the variant.
        credentials: what the app receives, by name, in clear.
    """

    name: str
    alias: str
    label: str
    plan: str
    credentials: Mapping[str, str]


def to_json(values: Mapping[str, str]) -> str:
    """Return one JSON object, keys to values."""
    return json.dumps(dict(values), indent=2) + "\n"


def to_vcap(app: str, manual: Mapping[str, str], services: Sequence[ServiceContent] | None) -> str:
    """Return the JSON that Cloud Foundry puts into `VCAP_SERVICES`: services by the name of their addon.

    Args:
        app: its name.
        manual: variables that no service gives; they stand in a service `user-provided`.
        services: what it uses; None where that is not known.

    Raises:
        InvalidInput: the services are not known.
    """
    if services is None:
        found = "a service through ADDONKIT_URL shows variables without their instances"
        raise InvalidInput(f"cannot write {app} as vcap", found, "run the command on the machine of the home")
    document: dict[str, list[Mapping[str, Any]]] = {}
    for each in services:
        document.setdefault(each.label, []).append(_vcap_service(each, [each.label, "addonkit"]))
    if manual:
        own = ServiceContent(f"{app}-variables", "", _USER_PROVIDED, "", manual)
        document.setdefault(_USER_PROVIDED, []).append(_vcap_service(own, []))
    return json.dumps(document, indent=2) + "\n"


def to_k8s_secret(app: str, values: Mapping[str, str]) -> str:
    """Return a Secret called after the app, for `kubectl apply -f` and `envFrom`; values in base64.

    Raises:
        UnwritableValue: a value is no text.
        InvalidInput: Kubernetes does not allow the app's name, or so much data.
    """
    attempted = f"cannot write the variables of {app} as k8s-secret"
    if not _SECRET_NAME.fullmatch(app):
        found = "a Secret's name has small letters, digits, '-' and '.', and begins and ends with none of the signs"
        raise InvalidInput(attempted, found, f"run `addonkit rename` to give the app such a name, as {_nearest(app)}")
    for key, value in values.items():
        check_text(key, value, "k8s-secret")
    size = sum(len(value.encode()) for value in values.values())
    if size > _SECRET_SIZE:
        found = f"its values have {size:,} bytes and a Secret holds {_SECRET_SIZE:,}"
        raise InvalidInput(attempted, found, "put what is long into files")
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    # Quoted: `NO`, `1E3` and the like would be no texts.
    lines = [f"  {json.dumps(key)}: {json.dumps(text)}\n" for key, text in encoded.items()]
    return (
        "apiVersion: v1\n"
        "kind: Secret\n"
        "metadata:\n"
        f"  name: {json.dumps(app)}\n"
        "  labels:\n"
        "    app.kubernetes.io/managed-by: addonkit\n"
        "type: Opaque\n"
        f"data:{'' if lines else ' {}'}\n"
    ) + "".join(lines)


def _vcap_service(service: ServiceContent, tags: Sequence[str]) -> Mapping[str, Any]:
    return {
        "name": service.alias or service.name,
        "label": service.label,
        "plan": service.plan or None,
        "tags": list(tags),
        "instance_name": service.name,
        "binding_name": service.alias or None,
        "credentials": dict(service.credentials),
        "provider": None,
        "syslog_drain_url": None,
        "volume_mounts": [],
    }


def _nearest(app: str) -> str:
    parts = (re.sub(r"[^a-z0-9-]", "-", part).strip("-") for part in app.lower().split("."))
    return repr(".".join(part for part in parts if part) or "app")
