"""Values as JSON documents, and the tags by which a client knows that one has not changed."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import attrs

_TAG: Final = r'(W/)?"[!#-~]*"'

TAGS: Final = rf"(\*|{_TAG}(, {_TAG}){{0,50}})"
"""What `If-Match` holds."""


def dump(value: Any) -> bytes:
    """Return a value as JSON: attrs values as objects, times in ISO 8601."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def tag_of(document: bytes) -> str:
    """Return the ETag of a document."""
    return f'"{hashlib.sha256(document).hexdigest()[:32]}"'


def matches(header: str, tag: str) -> bool:
    """Return whether `If-Match` or `If-None-Match` names this tag."""
    named = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in named or tag in named


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return str(value)
    return dict(value)
