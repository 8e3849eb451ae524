"""Copies of wheels, for a service user who cannot reach the originals."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path


def copy_of(root: Path, copies: Path) -> Path:
    """The directory that holds a copy of a package; made when there is none of the package as it is now. Blocking."""
    target = copies / _fingerprint(root)
    if not target.exists():
        _copy(root, target)
    return target


def _fingerprint(root: Path) -> str:
    """Changes with any file of the package."""
    summary = hashlib.sha256(str(root).encode())
    for directory, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            status = os.lstat(f"{directory}/{name}")
            summary.update(f"{directory}/{name}:{status.st_size}:{status.st_mtime_ns};".encode())
    return summary.hexdigest()[:16]


def _copy(root: Path, target: Path) -> None:
    """Copy a package with the libraries that auditwheel puts beside it; two processes at once do no harm."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    skip = shutil.ignore_patterns("include", "__pycache__")
    try:
        for each in (root, root.with_name(f"{root.name}.libs")):
            if each.exists():
                shutil.copytree(each, draft / each.name, symlinks=True, ignore=skip)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                _open_up(path)
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_up(path: Path) -> None:
    """Let everybody read it, and run it when its owner can."""
    mode = path.stat().st_mode
    path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
