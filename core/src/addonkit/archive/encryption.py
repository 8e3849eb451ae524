"""age, streamed: a thread encrypts or decrypts what passes through a pipe. Blocking."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

from addonkit.errors import AddonkitError, ArchiveDamaged, BackupError, InvalidInput
from addonkit.util.wide_pipes import wide_pipe


class ByteSink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> Any:
        """Take them all."""
        ...


class ByteSource(Protocol):
    """Gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Give at most so many; none at the end."""
        ...


def new_identity() -> str:
    """Return a new age identity (a private key), as age's own tools write it."""
    from pyrage import x25519

    return str(x25519.Identity.generate())


def identity_in(text: str) -> str:
    """Return the identity in a file as `age-keygen` writes it: the line that is neither empty nor a comment."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def recipient_of(identity: str) -> str:
    """Return the public key of an identity.

    Raises:
        InvalidInput: it is none.
    """
    return str(_identity(identity).to_public())


def check_recipient(text: str) -> str:
    """Return the recipient, if it is an age public key.

    Raises:
        InvalidInput: it is none.
    """
    _recipient(text)
    return text


def _identity(text: str) -> Any:
    import pyrage

    try:
        return pyrage.x25519.Identity.from_str(identity_in(text))
    except pyrage.IdentityError as error:
        advice = "an age identity begins with AGE-SECRET-KEY-1"
        raise InvalidInput("cannot use the backup key", "it is not an age identity", advice) from error


def _recipient(text: str) -> Any:
    import pyrage

    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        found = f"{text!r} is not an age public key"
        raise InvalidInput("cannot encrypt backups", found, "one begins with age1") from error


class _Worker:
    """Runs a function on a thread of its own and keeps what it raised."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.error: Exception | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - raised again by `join`
            self.error = error

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join()


class Encrypting:
    """A writer that encrypts into a sink.

    Args:
        sink: takes the encrypted bytes.
        recipients: age public keys; any of their identities opens it.
        attempted: what errors say was tried.
    """

    def __init__(self, sink: ByteSink, recipients: Sequence[str], attempted: str) -> None:
        import pyrage

        self._attempted = attempted
        keys = [_recipient(each) for each in recipients]
        reading, writing = wide_pipe()
        self._pipe: IO[bytes] = os.fdopen(writing, "wb", buffering=0)

        def work() -> None:
            with os.fdopen(reading, "rb", buffering=256 * 1024) as source:
                pyrage.encrypt_io(source, _Flushable(sink), keys)

        self._worker = _Worker(work)

    def write(self, data: bytes, /) -> int:
        """Encrypt; raises what the sink raised."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._pipe.write(view) or 0 :]
        except BrokenPipeError:
            self.close()
            raise
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def close(self) -> None:
        """Write the end.

        Raises:
            BackupError: it could not be written.
        """
        self._pipe.close()
        self._worker.join()
        error = self._worker.error
        if isinstance(error, AddonkitError):
            raise error
        if error is not None:
            raise BackupError(self._attempted, str(error) or type(error).__name__) from error


class Decrypting:
    """Reads from a source what was encrypted.

    Args:
        source: gives encrypted bytes.
        identities: age identities; one of them must open it.
        attempted: what errors say was tried.
    """

    def __init__(self, source: ByteSource, identities: Sequence[str], attempted: str) -> None:
        import pyrage

        self._attempted = attempted
        keys = [_identity(each) for each in identities]
        reading, writing = wide_pipe()
        self._pipe: IO[bytes] = os.fdopen(reading, "rb", buffering=0)

        def work() -> None:
            with os.fdopen(writing, "wb", buffering=256 * 1024) as sink:
                pyrage.decrypt_io(source, sink, keys)

        self._worker = _Worker(work)

    def read(self, size: int = -1, /) -> bytes:
        """Give decrypted bytes.

        Raises:
            ArchiveDamaged: they were changed, are cut, or do not open with the key.
        """
        data = self._pipe.read(size)
        if not data:
            self._worker.join()
            self._raise()
        return data or b""

    def close(self) -> None:
        """End the thread, whatever is left."""
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._worker.join()

    def _raise(self) -> None:
        error = self._worker.error
        if error is None:
            return
        if isinstance(error, AddonkitError):
            raise error
        if isinstance(error, OSError) and error.errno is not None:
            raise BackupError(self._attempted, str(error)) from error
        raise ArchiveDamaged(self._attempted, *_reason(error)) from error


class _Flushable:
    """A sink as the library wants it."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the sink is closed by who opened it."""


def _reason(error: Exception) -> tuple[str, str]:
    """Return what is wrong with an archive, and what to do about it."""
    text = str(error)
    if "No matching keys" in text:
        return (
            "it was encrypted to another key",
            "run `addonkit backup key --add` with the key of the home that wrote it",
        )
    return f"it was changed or is cut ({text or type(error).__name__})", ""
