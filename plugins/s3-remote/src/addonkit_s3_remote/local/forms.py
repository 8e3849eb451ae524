"""Uploads by a form of a browser: its fields, and the policy that says what may be in them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
from werkzeug.formparser import parse_form_data

from addonkit_s3_remote.local.requests import Incoming, Refusal


@attrs.frozen
class Form:
    """A form that uploads one file.

    Attributes:
        fields: by their names in small letters.
        size: bytes of the file.
    """

    fields: Mapping[str, str]
    size: int

    @property
    def key(self) -> str:
        """Return where the file is to go."""
        return self.fields.get("key", "")

    def check(self, bucket: str) -> None:
        """Make sure that the policy is not over and allows what the fields say; Refusal otherwise."""
        policy = json.loads(base64.b64decode(self.fields.get("policy", "")))
        end = datetime.fromisoformat(policy["expiration"])
        if end < datetime.now(UTC):
            raise _failed("Policy expired.")
        for condition in policy["conditions"]:
            if not _holds(condition, {**self.fields, "bucket": bucket}, self.size):
                raise _failed(f"Policy Condition failed: {json.dumps(condition)}")


def read_form(request: Incoming) -> Form:
    """Return the form in the body of a request, which can be read again by who comes later."""
    content = request.body()
    _, fields, files = parse_form_data({**request.environ}, silent=True)
    request.environ["wsgi.input"].seek(0)
    name = next(iter(files.values())).filename or "" if files else ""
    told = {key.lower(): value.replace("${filename}", name) for key, value in fields.items()}
    size = len(next(iter(files.values())).read()) if files else len(fields.get("file", content))
    return Form(told, size)


def _holds(condition: Any, fields: Mapping[str, str], size: int) -> bool:
    if isinstance(condition, dict):
        return all(fields.get(name.lower(), "") == str(value) for name, value in condition.items())
    kind, name, value = condition
    if kind == "content-length-range":
        return int(name) <= size <= int(value)
    found = fields.get(name.removeprefix("$").lower(), "")
    return found.startswith(value) if kind == "starts-with" else found == value


def _failed(message: str) -> Refusal:
    return Refusal("AccessDenied", f"Invalid according to Policy: {message}")
