"""What an addon wants unset is kept with the association: nothing is asked of the addon afterwards."""

from __future__ import annotations

import addonkit


async def test_names_are_kept_when_an_association_becomes_active(attic, kit):
    attic.unset = ("ATTIC_FILE", "ATTIC_OPTION_*")
    await kit.create("attic", "shop")
    assert (await kit.environment("shop")).unset == ("ATTIC_FILE", "ATTIC_OPTION_*")
    await kit.set_variables("shop", {"A": "1"})
    await kit.detach("attic", "shop")
    assert (await kit.environment("shop")).unset == ()


async def test_they_outlive_the_addon(attic, home, clock):
    attic.unset = ("ATTIC_FILE",)
    registry = addonkit.Registry()
    registry.register(attic, "attic")
    async with addonkit.open(home, registry=registry, clock=clock) as kit:
        await kit.create("attic", "shop")
    async with addonkit.open(home, registry=addonkit.Registry(), clock=clock) as kit:
        assert (await kit.environment("shop")).unset == ("ATTIC_FILE",)
