"""Checks copies for git branches: those whose branch git does not have any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from addonkit.controller.branches import branching_of, copies_of
from addonkit.models.app import BranchOf
from addonkit.models.views import Finding
from addonkit.util.git_branch import branches_of

if TYPE_CHECKING:
    from addonkit.models.app import Branching
    from addonkit.store.interface import Reader, Store


async def check_branches(store: Store) -> list[Finding]:
    """Return a finding for each branch that is gone and whose copies are there."""
    found, copies = [], await store.read(_copies)
    asked = {git: await asyncio.to_thread(branches_of, git) for git in {owner.git for _copy, _of, owner in copies}}
    for copy, of, owner in copies:
        known = asked[owner.git]
        if known is not None and of.branch not in known:
            problem = f"git has no branch {of.branch} any more; run `addonkit branch prune -a {of.app}`"
            found.append(Finding("deleted-branch", copy, problem))
    return found


def _copies(tx: Reader) -> list[tuple[str, BranchOf, Branching]]:
    """Return names of apps with copies, what they are of, and the repository."""
    copies = [(entity.name, entity.value.branch_of) for entity in copies_of(tx, None)]
    bound = [(name, of, branching_of(tx, of.app)) for name, of in copies if of]
    return [(name, of, owner) for name, of, owner in bound if owner]
