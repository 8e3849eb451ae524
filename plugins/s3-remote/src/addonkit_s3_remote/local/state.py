"""Keeps the state of the local service in a file across restarts."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from addonkit import AddonkitError
from addonkit_s3_remote.local.backends import backends
from addonkit_s3_remote.local.files import read_private, write_private

_FORMAT: Final = 1
_PAUSE: Final = 1.0
"""Seconds between a change and the next time that everything is written."""

_TRIES: Final = 20


@contextmanager
def kept(file: Path, changed: Event) -> Iterator[None]:
    """Load what the file has; write it again after changes and at the end. One process at a time.

    Raises:
        AddonkitError: when another process has the file, or it cannot be read or written.
    """
    with _locked(file):
        _load(file)
        over = Event()
        saver = Thread(target=_save_changes, args=(file, changed, over), daemon=True)
        saver.start()
        try:
            yield
        finally:
            over.set()
            saver.join()
            _save(file)


def _save_changes(file: Path, changed: Event, over: Event) -> None:
    while not over.wait(_PAUSE):
        if changed.is_set():
            changed.clear()
            with suppress(AddonkitError):  # a disk that is full now may have room at the end, where it is raised
                _save(file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    lock = file.with_name(f"{file.name}.lock")
    attempted = f"keeping the state in {file}"
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AddonkitError(attempted, error.strerror or str(error), "name another file with --state") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise AddonkitError(
            attempted, "another addonkit-s3-local has it", "end that one, or name another file with --state"
        ) from None
    try:
        yield
    finally:
        os.close(handle)


def _load(file: Path) -> None:
    content = read_private(file)
    if content is None:
        return
    head, _, body = content.partition(b"\n")
    try:
        _check_writer(file, json.loads(head))
        for name, loaded in pickle.loads(body).items():  # noqa: S301 - only this user could have written the file
            vars(backends()[name]).update(vars(loaded))
    except AddonkitError:
        raise
    except Exception as error:
        raise AddonkitError(f"reading {file}", f"it is damaged ({error})", "begin anew with another --state") from error


def _check_writer(file: Path, about: dict[str, Any]) -> None:
    if about != _about():
        raise AddonkitError(
            f"reading {file}",
            f"it was written with moto {about['moto']}; this is moto {version('moto')}",
            f"pip install moto=={about['moto']}, or begin anew with another --state",
        )


def _save(file: Path) -> None:
    write_private(file, json.dumps(_about()).encode() + b"\n" + _dump(backends()))


def _dump(known: dict[str, Any]) -> bytes:
    """Return everything as bytes; requests go on meanwhile, so that a change under our hands means another try."""
    for number in range(_TRIES):
        try:
            return pickle.dumps(known)
        except RuntimeError:
            time.sleep(0.05 * number)
    return pickle.dumps(known)


def _about() -> dict[str, Any]:
    return {"format": _FORMAT, "moto": version("moto")}
