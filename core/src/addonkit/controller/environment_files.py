"""Writes the files that hold the variables of apps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from addonkit.controller.bindings import binding_tree
from addonkit.controller.environment_content import content_for
from addonkit.controller.views import environment
from addonkit.errors import AddonkitError, InvalidInput, StoreError
from addonkit.models.app import BINDINGS, App
from addonkit.util.binding_trees import has_tree, replace_tree
from addonkit.util.env_formats import EnvironmentContent, render
from addonkit.util.output_files import has_content, replace_file

if TYPE_CHECKING:
    from addonkit.models.app import EnvironmentFile
    from addonkit.store.interface import Store
    from addonkit.util.binding_trees import Tree

_ROUNDS: Final = 5
"""How often a file is written when its variables change meanwhile."""


async def content_of(store: Store, file: EnvironmentFile) -> str | Tree | None:
    """Return what a file is to hold; None while variables of its app are being made. An app that is gone has none.

    Raises:
        InvalidInput: the app has other variables on each git branch.
        UnwritableValue: the format cannot hold a value.
    """
    app = await store.get(App, file.app)
    if app is None:
        return {} if file.format == BINDINGS else render(file.format, EnvironmentContent(file.app))
    if app.value.branching is not None:
        advice = f"run `addonkit env outputs --forget {file.path}`"
        raise InvalidInput(f"cannot write {file.path}", f"{file.app} has other variables on each git branch", advice)
    found = await environment(store, file.app)
    if found.pending:
        return None
    if file.format == BINDINGS:
        return await store.read(lambda tx: binding_tree(tx, file.app))
    return render(file.format, content_for(found))


async def write_file(store: Store, file: EnvironmentFile) -> None:
    """Bring a file up to date, unless it is.

    Another process may write it at the same time: what counts is what it holds afterwards.

    Raises:
        AddonkitError: it cannot be written.
    """
    for _ in range(_ROUNDS):
        content = await content_of(store, file)
        if content is None or await asyncio.to_thread(_holds, file.path, content):
            return
        await asyncio.to_thread(_replace, file.path, content)


async def is_current(store: Store, file: EnvironmentFile) -> bool:
    """Return whether a file holds what it is to hold. Changes nothing."""
    try:
        content = await content_of(store, file)
    except StoreError:
        raise
    except AddonkitError:
        return False
    return content is None or await asyncio.to_thread(_holds, file.path, content)


def _holds(path: str, content: str | Tree) -> bool:
    return has_content(path, content) if isinstance(content, str) else has_tree(path, content)


def _replace(path: str, content: str | Tree) -> None:
    if isinstance(content, str):
        replace_file(path, content)
    else:
        replace_tree(path, content)
