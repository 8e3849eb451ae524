"""The addon of an instance, or an error that tells how to get it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.errors import AddonNotInstalled, UnknownAddon

if TYPE_CHECKING:
    from addonkit.models.instance import Instance
    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry


def addon_of(registry: Registry, instance: Instance, verb: str = "work on") -> Addon:
    """Return the addon that an instance belongs to.

    Args:
        registry: where it is looked for.
        instance: of which it is asked for.
        verb: what is to be done with the instance, for the error.

    Raises:
        AddonNotInstalled: when its distribution is not installed.
        AddonBroken: when it cannot be used.
    """
    try:
        return registry.get(instance.addon, instance.distribution)
    except UnknownAddon as error:
        raise AddonNotInstalled(
            f"cannot {verb} {instance.name}",
            f"its addon {instance.addon} is not installed",
            f"{how_to_install(instance)}, then try again; its data stay until then",
            addon=instance.addon,
            distribution=instance.distribution,
        ) from error


def how_to_install(instance: Instance) -> str:
    """Return what brings the addon of an instance back."""
    return f"run `pip install {instance.distribution}`" if instance.distribution else "install its distribution"
