"""Copies of wheels, for a service user who cannot reach the originals."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path

from addonkit.util.files import make_directory, remove_tree
from addonkit.util.procfs import all_pids


def copy_of(root: Path, copies: Path) -> Path:
    """Return the directory that holds a copy of the package as it is now; makes one when there is none. Blocking."""
    target = copies / _fingerprint(root)
    if not target.exists():
        _copy(root, target)
    return target


def _fingerprint(root: Path) -> str:
    """Return a digest that changes with any file of the package."""
    summary = hashlib.sha256(str(root).encode())
    for directory, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            status = os.lstat(f"{directory}/{name}")
            summary.update(f"{directory}/{name}:{status.st_size}:{status.st_mtime_ns};".encode())
    return summary.hexdigest()[:16]


def _copy(root: Path, target: Path) -> None:
    """Copy a package with the libraries that auditwheel puts beside it; two processes at once do no harm."""
    make_directory(target.parent, 0o755, parents=0o711)
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
        _remove_former(root.name, target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_up(path: Path) -> None:
    """Let every user read it, and run it when its owner can; no other user may write it, whatever the umask."""
    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _remove_former(package: str, target: Path) -> None:
    """Remove copies of former versions of a package that no process runs from."""
    for copy in target.parent.iterdir():
        if copy != target and (copy / package).is_dir() and not _is_used(copy):
            remove_tree(copy)


def _is_used(copy: Path) -> bool:
    """Return whether a process runs from a copy, or may do so: some processes do not show it."""
    below = f"{copy.resolve()}/"
    for pid in all_pids():
        try:
            if os.readlink(f"/proc/{pid}/exe").startswith(below):  # noqa: PTH115 - one call, for many processes
                return True
        except PermissionError:
            return True
        except OSError:
            continue
    return False
