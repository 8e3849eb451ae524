"""Raises the error of an operation whose instance did not come as far as was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.errors import InstanceFailed
from addonkit.kit.admission import how_to_forget

if TYPE_CHECKING:
    from addonkit.controller.controller import Controller
    from addonkit.models.instance import Instance


def failed(attempted: str, instance: Instance, *, forget: bool = False) -> InstanceFailed:
    """Return the failure of an instance, with its reason and the ways out.

    Args:
        attempted: what failed, beginning with a verb.
        instance: as it was left; its message is the reason.
        forget: advise to forget it, where destroying it is what failed.
    """
    out = how_to_forget(instance) if forget else f"`addonkit destroy {instance.name}` removes it"
    advice = f"`addonkit retry {instance.name}` tries again, {out}"
    return InstanceFailed(attempted, instance.message or f"it is {instance.phase}", advice, instance=instance.name)


async def with_reason(controller: Controller, instance: Instance) -> Instance:
    """Return the instance; its message is all that went wrong for it and for apps that it is tied to."""
    return attrs.evolve(instance, message="; ".join(await controller.failures(instance)))
