"""Asks an addon how much an instance holds, and does not wait long for the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from addonkit.controller.execution_ids import once_id
from addonkit.controller.step_context import subject_of
from addonkit.errors import AddonkitError
from addonkit.models.instance import Instance, Phase
from addonkit.models.sizes import describe_size

if TYPE_CHECKING:
    from addonkit.engine.engine import Engine
    from addonkit.models.result import Usage
    from addonkit.registry.registry import Registry

PATIENCE: Final = 30.0
"""Seconds that are waited for an answer: destroying continues without one."""


async def ask_usage(registry: Registry, engine: Engine, instance: Instance) -> Usage | None:
    """Return how much an instance holds; None when its addon cannot tell.

    Raises:
        TimeoutError: it did not tell in time.
        AddonkitError: it failed to tell.
    """
    if not instance.attributes:
        return None
    async with asyncio.timeout(PATIENCE):
        return await usage_of(registry, engine, instance)


async def describe_usage(registry: Registry, engine: Engine, instance: Instance) -> tuple[str, ...]:
    """Return what an instance holds, as a sentence; none when its addon cannot tell, a reason when it fails to.

    One on a server of this machine is not asked: destroying it does not wait for a server that does not run. Neither is
    one that is being removed: it may have left its server.
    """
    addon = registry.get(instance.addon, instance.distribution)
    if instance.server or instance.phase is Phase.DEPROVISIONING or "usage" not in addon.capabilities:
        return ()
    try:
        usage = await ask_usage(registry, engine, instance)
    except TimeoutError:
        return (f"how much that is was not told within {PATIENCE:g} seconds",)
    except AddonkitError as error:
        return (f"how much that is cannot be told: {error.details.get('reason') or error}",)
    return (usage_words(usage),) if usage else ()


def usage_words(usage: Usage) -> str:
    """Return `3 objects, 1.5 MiB`."""
    least = "" if usage.complete else "at least "
    noun = "object" if usage.objects == 1 else "objects"
    return f"{least}{usage.objects:,} {noun}, {describe_size(usage.bytes)}"


async def usage_of(registry: Registry, engine: Engine, instance: Instance, *, word: str = "usage") -> Usage | None:
    """Return how much an instance holds; None when its addon cannot tell. `word` stands in the id of the execution.

    Raises:
        SagaFailed: it fails to.
    """
    addon = registry.get(instance.addon, instance.distribution)
    if "usage" not in addon.capabilities:
        return None
    asked = addon.usage(instance)
    found: Usage = await engine.ensure(once_id(word, instance.id), asked, subject=subject_of(instance))
    return found
