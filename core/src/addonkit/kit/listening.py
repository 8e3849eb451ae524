"""Checks, before anything is stored, whether a server could listen for other machines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from addonkit.errors import InvalidInput, NotFound
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.options import LISTEN
from addonkit.util.addresses import address_fault, listen_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.compute.interface import Backend
    from addonkit.models.instance import Instance
    from addonkit.registry.addon import Addon


async def check_address(config: Mapping[str, str], attempted: str) -> None:
    """Make sure that this machine has the address of a config. Does nothing for a config without one.

    Raises:
        InvalidInput: naming what is wrong with it.
    """
    listen = config.get(LISTEN, "")
    if not listen:
        return
    fault = listen_fault(listen) or await asyncio.to_thread(address_fault, listen)
    if fault:
        advice = "use an address of this machine, or a host name that stands for one"
        raise InvalidInput(attempted, f"no server can listen at {listen}: {fault}", advice)


async def check_change(
    backend: Backend, addon: Addon, instance: Instance, wanted: Mapping[str, str], attempted: str
) -> None:
    """Make sure that the server of an instance could listen where other values of its options say.

    Raises:
        InvalidInput: it could not, or its apps could not receive the address.
    """
    if LISTEN not in wanted or wanted[LISTEN] == instance.config.get(LISTEN, ""):
        return
    await check_address(wanted, attempted)
    if not addon.can_rotate:
        found = f"{LISTEN} can be chosen at create only: {addon.name} cannot give other variables to apps"
        raise InvalidInput(attempted, found, "create another instance, and move the data with export and import")
    if wanted[LISTEN]:
        await asyncio.to_thread(_check_program, backend, addon, instance, attempted)


def _check_program(backend: Backend, addon: Addon, instance: Instance, attempted: str) -> None:
    program = addon.definition.program_of(instance.variant)
    if program is None:
        return
    definition = attrs.evolve(addon.definition, program=program.with_tls)
    version = instance.config.get(CONFIG_VERSION, "")
    try:
        backend.runnable_version(definition, version)
    except NotFound as error:
        advice = (program.tls.advice if program.tls else "") or error.advice
        raise InvalidInput(
            attempted, f"its version {version} has no program with TLS; {error.found}", advice
        ) from error
