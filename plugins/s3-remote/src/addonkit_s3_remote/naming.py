"""Names of buckets, folders and users: deterministic, of ids that are never used again. Pure.

Buckets: 3 to 63 small letters, digits and `-`, with a letter or digit at both ends. No reserved prefix or suffix. See
"Bucket naming rules" of the S3 guide. IAM users: at most 64 characters.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST_BUCKET: Final = 63
CANDIDATES: Final = 5
"""Names that are tried before a taken name is an error."""

_RESERVED: Final = ("xn--", "sthree-", "amzn-s3-demo-")


def bucket_names(app: str, instance: str) -> tuple[str, ...]:
    """Return names for an instance's bucket, in the order they are tried."""
    return tuple(
        _bucket(app, f"-{instance}" if number == 1 else f"-{instance}-{number}") for number in range(1, CANDIDATES + 1)
    )


def _bucket(app: str, ending: str) -> str:
    plain = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9]", "-", app.lower())).strip("-") or "app"
    if plain.startswith(_RESERVED):
        plain = f"app-{plain}"
    ending = re.sub(r"[^a-z0-9-]", "-", ending.lower())
    return plain[: LONGEST_BUCKET - len(ending)].rstrip("-") + ending


def folder_of(app: str, instance: str) -> str:
    """Return the prefix of an instance's objects in a shared bucket. It ends in `/`: no other one begins with it."""
    return f"{_bucket(app, f'-{instance}')}/"


def user_of(association: str, generation: int = 1) -> str:
    """Return the IAM user that one association has in a generation of its credentials."""
    return f"addonkit-{association}" + (f"-{generation}" if generation > 1 else "")
