"""Private files: written whole, read only by their owner."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from addonkit import AddonkitError

_OTHERS_MAY_WRITE = 0o022


def write_private(file: Path, content: bytes) -> None:
    """Replace a file by one of mode 0600 with this content, durably.

    Raises:
        AddonkitError: when it cannot be written.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(handle)
            Path(draft).replace(file)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AddonkitError(f"writing {file}", error.strerror or str(error), "name another file") from error


def read_private(file: Path) -> bytes | None:
    """Return what is in a file that only its owner could have written; None without one.

    Raises:
        AddonkitError: when it belongs to another user, others may write it, it is a link, or it cannot be read.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AddonkitError(f"reading {file}", error.strerror or str(error), "name another file") from error
    with os.fdopen(handle, "rb") as stream:
        about = os.fstat(handle)
        if about.st_uid != os.geteuid() or about.st_mode & _OTHERS_MAY_WRITE:
            raise AddonkitError(f"reading {file}", "another user may have written it", f"remove it: rm {file}")
        return stream.read()
