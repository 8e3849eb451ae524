"""The same request again finds what it made; a name that is not quite right is answered with the nearest one."""

from __future__ import annotations

import pytest

from addonkit import AlreadyExists, UnknownApp, UnknownInstance
from addonkit.models.app import DefaultApp


async def test_the_same_create_again_changes_nothing(kit, attic):
    first = await kit.create("attic", "shop")
    effects = set(attic.effects)
    again = await kit.create("attic:box", "shop")
    assert (first.existed, again.existed, again.joined) == (False, True, False)
    assert again.instance == first.instance
    assert attic.effects == effects
    assert len(await kit.instances()) == 1


async def test_another_request_for_the_same_name_is_refused(kit):
    await kit.create("attic", "shop", alias="box")
    with pytest.raises(AlreadyExists, match="choose another name with --as"):
        await kit.attach((await kit.create("attic", "blog")).instance.name, "shop", alias="box")


async def test_apps_are_listed_with_their_instances(kit):
    await kit.create("attic", "shop")
    await kit.attach("shop-attic", "blog")
    await kit.set_variables("blog", {"A": "1", "b": "2"})
    found = {app.name: (app.instances, app.variables) for app in await kit.apps()}
    assert found == {"blog": (("shop-attic",), 2), "shop": (("shop-attic",), 0)}
    assert await kit.count() == 1


@pytest.mark.parametrize("ask", ["check_app", "environment"])
async def test_a_typo_in_an_app_is_told_with_the_nearest_name(kit, ask):
    await kit.create("attic", "shop")
    with pytest.raises(UnknownApp, match=r"there is no app 'shpo'; did you mean 'shop'\?"):
        await getattr(kit, ask)("shpo")
    with pytest.raises(UnknownApp, match=r"did you mean 'shop'\?"):
        await kit.promote("attic", "shpo")
    with pytest.raises(UnknownInstance, match=r"did you mean 'shop-attic'\?"):
        await kit.show("shop-atic")


async def test_a_full_name_resolves_whatever_app_the_environment_names(kit):
    await kit.create("attic", "shop")
    await kit.create("attic", "wiki")
    assert await kit.name_of("wiki-attic", DefaultApp("shop")) == "wiki-attic"
    assert await kit.name_of("attic", DefaultApp("shop")) == "shop-attic"
    assert await kit.name_of("wiki-attic", DefaultApp("gone")) == "wiki-attic"
    with pytest.raises(UnknownInstance, match="it is not attached to shop; leave -a out"):
        await kit.name_of("wiki-attic", "shop")


async def test_an_environment_leaves_out_what_it_is_told_to(kit):
    await kit.create("attic", "shop")
    whole, less = await kit.environment("shop"), await kit.environment("shop", without=("shop-attic",))
    assert whole.app == less.app
    assert less.entries == ()
