"""`addonkit score`: a `cmd://` provisioner of Score, which runs it with a resource on stdin."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from addonkit.cli.command import command
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from addonkit.kit.binding import Binding
    from addonkit.kit.kit import Kit

_LONGEST: Final = 100
_URL_PARTS: Final = ("host", "port", "username", "password", "name", "database")
_SAME: Final = {
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_key": "AWS_SECRET_ACCESS_KEY",
    "aws_secret_key": "AWS_SECRET_ACCESS_KEY",
    "endpoint": "AWS_ENDPOINT_URL_S3",
    "region": "AWS_REGION",
    "bucket": "S3_BUCKET",
}
"""Outputs that resources of Score have, and the variables that hold them."""


@command("score", examples=("addonkit score postgresql:small < resource.json",))
@click.argument("addon", metavar="ADDON[:VARIANT]")
@click.pass_obj
def score(invocation: Invocation, addon: str) -> None:
    """Provision a resource of Score: reads it from stdin, prints its outputs.

    A provisioner file names the command: uri cmd://addonkit, args [score, postgresql]. The same resource again gives
    the same outputs.
    """
    from addonkit.cli.streams import write_exactly

    resource = _read(sys.stdin.read() if sys.stdin else "")

    async def work(kit: Kit) -> Binding:
        binding = await kit.create(addon, await _app_of(kit, resource))
        for target in await kit.servers(binding.instance.name):
            await kit.start(target)
        return binding

    made = with_kit(invocation, work)
    state = {"app": made.association.app, "instance": made.instance.id}
    outputs = _outputs({variable.key: variable.text for variable in made.association.plain})
    document = {"resource_state": state, "resource_outputs": outputs, "shared_state": {}}
    write_exactly(json.dumps(document) + "\n")


def _read(text: str) -> dict[str, Any]:
    """Return the resource.

    Raises:
        InvalidInput: stdin has none.
    """
    from addonkit.errors import InvalidInput

    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("resource_uid"), str) or not found["resource_uid"]:
        advice = "name this command in a provisioner of Score, as cmd://addonkit"
        raise InvalidInput("cannot provision a resource", "stdin has no JSON with a resource_uid", advice)
    return found


async def _app_of(kit: Kit, resource: Mapping[str, Any]) -> str:
    """Return the name of the app that stands for a resource, also when it was renamed meanwhile."""
    state = resource.get("resource_state")
    known = state.get("instance") if isinstance(state, dict) else None
    found = [view.instance.app for view in await kit.instances() if view.instance.id == known] if known else []
    return found[0] if found else _app(resource["resource_uid"])


def _app(uid: str) -> str:
    """Return the name of the app that stands for a resource: `postgres.default#web.db` has signs that no app has."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", uid)
    if plain == uid and len(uid) <= _LONGEST and not re.search(r"-[0-9a-f]{8}$", uid):
        return f"score-{uid}"
    return f"score-{plain[:_LONGEST]}-{hashlib.sha256(uid.encode()).hexdigest()[:8]}"


def _outputs(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return outputs under the names of Score, and all variables under their own in small letters."""
    from urllib.parse import unquote, urlsplit

    found: dict[str, Any] = {name.lower(): value for name, value in variables.items()}
    found |= {name: variables[key] for name, key in _SAME.items() if key in variables}
    url = next((value for name, value in variables.items() if name.endswith("_URL")), "")
    parts = urlsplit(url)
    if parts.port:  # the host of s3://bucket is none
        path = unquote(parts.path.lstrip("/"))
        values = (parts.hostname, parts.port, parts.username, parts.password and unquote(parts.password), path, path)
        found |= {name: value for name, value in zip(_URL_PARTS, values, strict=True) if value}
        found["url"] = url
    return found
