"""Secrets at rest: AES-256-GCM, each value bound to the row it stands in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Final

from addonkit.errors import SecretError
from addonkit.store.keyfile import KEY_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORM: Final = "1"
_NONCE_BYTES: Final = 12  # what GCM is made for; NIST SP 800-38D, 8.2
_PARTS: Final = 3


class Sealer:
    """Seals and opens text with one key.

    A sealed text is `1.<key id>.<base64url of nonce, ciphertext and tag>`. Its associated data is the row, so a
    value that was moved to another row does not open. Nonces are random: one key is good for 2**32 seals.

    Args:
        key: 32 bytes.

    Attributes:
        key_id: eight hexadecimal digits that name the key and tell nothing of it.

    Raises:
        SecretError: when the key has another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise SecretError("cannot use this key", f"it has {len(key)} bytes", f"a key has {KEY_BYTES}")
        self._key = key
        self.key_id = hashlib.sha256(b"addonkit key id" + key).hexdigest()[:8]

    def seal(self, text: str, row: str) -> str:
        """Return the sealed text; another one at each call. `row` is the entity's id, `kind/name`."""
        nonce = os.urandom(_NONCE_BYTES)
        body = self._cipher.encrypt(nonce, text.encode("utf-8", "surrogatepass"), _associated(row))
        return f"{_FORM}.{self.key_id}.{base64.urlsafe_b64encode(nonce + body).decode()}"

    def open(self, sealed: str, row: str) -> str:
        """Return the text that was sealed for this row.

        Raises:
            SecretError: when another key sealed it, when it was changed or moved, or has an unknown form.
        """
        from cryptography.exceptions import InvalidTag

        attempted = f"cannot open a secret of {row}"
        key_id, body = _parse(sealed, attempted)
        if key_id != self.key_id:
            raise SecretError(
                attempted,
                f"it was sealed with key {key_id}, the key here is {self.key_id}",
                "give the former key, in ADDONKIT_KEY or as the file `key` of the home",
            )
        try:
            text = self._cipher.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], _associated(row))
        except (InvalidTag, ValueError) as error:
            found = "it was changed, or moved here from another row"
            raise SecretError(attempted, found, "restore the state from a backup") from error
        return text.decode("utf-8", "surrogatepass")

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)


def _associated(row: str) -> bytes:
    return f"addonkit {_FORM} {row}".encode("utf-8", "surrogatepass")


def _parse(sealed: str, attempted: str) -> tuple[str, bytes]:
    parts = sealed.split(".")
    if len(parts) != _PARTS or parts[0] != _FORM:
        raise SecretError(attempted, "it is not in a form this addonkit knows", "use a newer addonkit")
    try:
        return parts[1], base64.b64decode(parts[2], altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise SecretError(attempted, "it was changed", "restore the state from a backup") from error
