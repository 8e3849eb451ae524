"""What an addon wants unset is kept with the association: nothing is asked of the addon afterwards."""

from __future__ import annotations

import pytest

import addonkit


@pytest.fixture
def registry(attic):
    attic.unset = ("ATTIC_FILE", "ATTIC_OPTION_*")
    made = addonkit.Registry()
    made.register(attic, "attic")
    return made


async def test_names_are_kept_while_an_association_is_active(home, registry):
    async with addonkit.open(home, registry=registry) as kit:
        await kit.set_variables("shop", {"A": "1"})
        await kit.create("attic", "shop")
        assert (await kit.environment("shop")).unset == ("ATTIC_FILE", "ATTIC_OPTION_*")
        await kit.detach("attic", "shop")
        assert (await kit.environment("shop")).unset == ()


async def test_they_outlive_the_addon(home, registry):
    async with addonkit.open(home, registry=registry) as kit:
        await kit.create("attic", "shop")
    async with addonkit.open(home, registry=addonkit.Registry()) as kit:
        assert (await kit.environment("shop")).unset == ("ATTIC_FILE", "ATTIC_OPTION_*")
