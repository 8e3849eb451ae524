"""Finds the git branch of a directory: reads two or three small files, and runs no program. Blocking."""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

BRANCH: Final = "ADDONKIT_BRANCH"
"""Variable with the name of the branch that counts, whatever is checked out."""

_HEADS: Final = "ref: refs/heads/"
_LONGEST: Final = 40
"""Characters of a branch's name that an app's name shows."""


class Checkout(NamedTuple):
    """A directory of a git repository.

    Attributes:
        git: real path of what all worktrees of the repository share.
        branch: that is checked out; empty when HEAD is detached.
    """

    git: str
    branch: str


def find_checkout(directory: str, environ: Mapping[str, str] = os.environ) -> Checkout | None:
    """Return the checkout that a directory is in; None outside of a repository."""
    at = os.path.realpath(directory)
    while not os.path.exists(f"{at}/.git"):  # noqa: PTH110 - quick commands do without pathlib
        at, before = os.path.dirname(at), at  # noqa: PTH120
        if at == before:
            return None
    own = _own_directory(at)
    shared = _read(f"{own}/commondir")
    git = os.path.realpath(os.path.join(own, shared)) if shared else own  # noqa: PTH118
    return Checkout(git, environ.get(BRANCH) or _branch(own))


def branch_app(app: str, branch: str) -> str:
    """Return the name of the app that has the copies of a branch. Two branches never share one."""
    word = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in branch)[:_LONGEST]
    mark = "" if word == branch else f"-{zlib.crc32(branch.encode(errors='surrogateescape')):08x}"
    return f"{app}--{word}{mark}"


def branches_of(git: str) -> frozenset[str] | None:
    """Return all branches of a repository, as git tells; None when it cannot be asked."""
    argv = ["git", f"--git-dir={git}", "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return None
    return frozenset(done.stdout.splitlines())


def _own_directory(root: str) -> str:
    """Return the git directory of one worktree: `.git`, or what the file of that name says."""
    path = f"{root}/.git"
    if os.path.isdir(path):  # noqa: PTH112
        return os.path.realpath(path)
    return os.path.realpath(os.path.join(root, _read(path).removeprefix("gitdir: ")))  # noqa: PTH118


def _branch(own: str) -> str:
    """Return what HEAD names, or what a rebase works on meanwhile."""
    head = _read(f"{own}/HEAD")
    if head == f"{_HEADS}.invalid":  # a repository of the format reftable
        return _asked(own)
    for found in (head, *(f"ref: {_read(f'{own}/{each}/head-name')}" for each in ("rebase-merge", "rebase-apply"))):
        if found.startswith(_HEADS):
            return found.removeprefix(_HEADS)
    return ""


def _asked(own: str) -> str:
    argv = ["git", f"--git-dir={own}", "symbolic-ref", "--quiet", "--short", "HEAD"]
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return ""
