"""What files with the variables of apps are to hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from addonkit.controller.views import environment
from addonkit.errors import AddonkitError, InvalidInput, StoreError
from addonkit.models.app import App
from addonkit.models.views import Environment
from addonkit.util.env_formats import render
from addonkit.util.output_files import has_content, replace_file

if TYPE_CHECKING:
    from addonkit.models.environment_file import EnvironmentFile
    from addonkit.store.interface import Store

_ROUNDS = 5
"""How often a file is written when its variables change meanwhile."""


async def text_of(store: Store, file: EnvironmentFile) -> str | None:
    """Return what a file is to hold; None while variables of its app are being made. An app that is gone has none.

    Raises:
        InvalidInput: the app has other variables on each git branch.
        UnwritableValue: the format cannot hold a value.
    """
    app = await store.get(App, file.app)
    if app is None:
        return render(file.format, {})
    if app.value.branching is not None:
        advice = f"run `addonkit env outputs --forget {file.path}`"
        raise InvalidInput(f"cannot write {file.path}", f"{file.app} has other variables on each git branch", advice)
    found: Environment = await environment(store, file.app)
    return None if found.pending else render(file.format, found.as_dict(), found.unset)


async def write_file(store: Store, file: EnvironmentFile) -> None:
    """Bring a file up to date, unless it is.

    Another process may write it at the same time: what counts is what it holds afterwards.

    Raises:
        AddonkitError: it cannot be written.
    """
    for _ in range(_ROUNDS):
        text = await text_of(store, file)
        if text is None or await asyncio.to_thread(has_content, file.path, text):
            return
        await asyncio.to_thread(replace_file, file.path, text)


async def is_current(store: Store, file: EnvironmentFile) -> bool:
    """Whether a file holds what it is to hold. Changes nothing."""
    try:
        text = await text_of(store, file)
    except StoreError:
        raise
    except AddonkitError:
        return False
    return text is None or await asyncio.to_thread(has_content, file.path, text)
