"""SCRAM-SHA-256 verifiers: what the server keeps instead of a password. Pure but for the salt.

Computed here, a password never reaches a statement, a log or the server itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

ITERATIONS: Final = 4096
"""PostgreSQL's own default (scram_iterations)."""

_VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$(\d{1,6}):([A-Za-z0-9+/=]+)\$")

UNUSABLE: Final = f"SCRAM-SHA-256${ITERATIONS}:{'A' * 22}==${'A' * 43}=:{'A' * 43}="
"""A verifier that no password fits: nothing is known to have the digest 0."""


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """Return a verifier in PostgreSQL's form, `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.

    By RFC 5802 section 3 and RFC 7677. The password is ASCII, so that SASLprep changes nothing.

    Raises:
        ValueError: for a password with other characters.
    """
    if not password.isascii():
        raise ValueError("a password with characters outside ASCII needs SASLprep")
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_b64(salt)}${_b64(stored_key)}:{_b64(server_key)}"


def fits(password: str, kept: str) -> bool:
    """Return whether a password is the one that a server keeps; False when it keeps none, or in another form."""
    found = _VERIFIER.match(kept)
    if found is None:
        return False
    try:
        return hmac.compare_digest(kept, verifier(password, base64.b64decode(found[2]), int(found[1])))
    except ValueError:  # an app writes its verifier itself if it likes
        return False


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
