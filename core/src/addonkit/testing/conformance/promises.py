"""Checks that an instance is what its variant says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

from addonkit.compute.process.versions import matches
from addonkit.models.definition import CONFIG_VERSION
from addonkit.provider.server_addon.addon import ServerAddon
from addonkit.registry.loader import import_object
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.applicability import not_applicable, not_tried
from addonkit.testing.conformance.assertions import require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.examples import Noted, example_server
from addonkit.testing.conformance.rig import KEY, Rig, Unable

_CONNECTIONS: Final = re.compile(r"connections|sessions", re.IGNORECASE)
_MOST: Final = 200
"""Connections that are opened at most: a greater promise is not tried."""

_BEYOND: Final = 10
"""Connections past the promised number of which one at least must be refused."""

_ODD_VERSION: Final = "7654"

_OF_THE_CORE: Final = frozenset({"storage"})
"""Words of a config that the core itself looks at."""


class PromiseChecks:
    """Checks that the definition is true."""

    @synchronous
    async def test_the_server_is_what_the_variant_says(self, rig: Rig, variant: str) -> None:
        """What the server tells of its version and limits is what the variant's config has."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            facts = await rig.ask("facts", environ)
            instance = (await kit.instances())[0].instance
            rig.note_server(str(facts.get("version") or instance.config.get(CONFIG_VERSION, "")))
            if not facts:
                await rig.destroy(kit, "shop")
                not_tried("facts")
            options = {each.name for each in rig.under_test.definition.options}
            for name, fact in facts.items():
                if name in options and not instance.config.get(name):
                    continue  # the server's own value, which a user may change
                promised = instance.config.get(CONFIG_VERSION if name == "version" else name, "")
                is_kept = fact == promised or (name == "version" and matches(fact, promised))
                require(
                    is_kept,
                    f"the server has {name} {fact}, and {promised or 'nothing of that name'} is promised",
                    "hand config and version of the Server over to the program, or to the tenant",
                )
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")

    def test_the_version_counts(self, addon_name: str) -> None:
        """The program of a ServerAddon has the version that was asked for."""
        under_test = AddonUnderTest.find(addon_name)
        plugin = import_object(under_test.addon.relay.entry)
        if not isinstance(plugin, ServerAddon) or under_test.definition.program is None:
            not_applicable("only the program of a ServerAddon has a version")
        for variant in under_test.definition.variants:
            server = example_server(addon_name, variant.name, {**variant.config, CONFIG_VERSION: _ODD_VERSION})
            found = plugin.program(server).version
            require(
                found == _ODD_VERSION,
                f"variant {variant.name}: version {_ODD_VERSION} is asked for, and its program has {found or 'none'}",
                "give Program the version of the Server",
            )

    def test_the_config_counts(self, addon_name: str) -> None:
        """The program of a ServerAddon looks at each word of its variants' config: another word is an empty promise."""
        under_test = AddonUnderTest.find(addon_name)
        plugin = import_object(under_test.addon.relay.entry)
        if not isinstance(plugin, ServerAddon) or under_test.definition.program is None or plugin.tenants is not None:
            not_applicable("only the program of a ServerAddon without tenants alone reads the config")
        for variant in under_test.definition.variants:
            config = Noted(variant.config)
            plugin.program(example_server(addon_name, variant.name, config))
            unread = sorted({*variant.config} - config.read - _OF_THE_CORE)
            require(
                not unread,
                f"variant {variant.name}: its config has {', '.join(unread)}, and its program does not look at that",
                "hand it over to the program, or leave it out of the config",
            )

    @synchronous
    async def test_promised_connections_are_there_and_no_more(self, rig: Rig, variant: str) -> None:
        """A number that `details` give for connections is the number that an app can open."""
        promised = _promised_connections(rig, variant)
        if promised is None:
            not_applicable("its details promise no number of connections")
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            await rig.write(environ, "kept")
            require(
                await _has_sessions(rig, environ),
                f"its details promise {promised} connections, and its client opens none to try that",
                "write ConformanceClient.session, or leave the number out of the details",
            )
            opened = await _open(rig, environ, promised + _BEYOND)
            require(
                opened >= promised,
                f"an app can open {opened} connections, and {promised} are promised",
                "let the server take more than it promises, for the administrator's own",
            )
            require(
                opened < promised + _BEYOND,
                f"an app can open {opened} connections and more, and {promised} are promised",
                "set the limit for each tenant's login, or promise none",
            )
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


def _promised_connections(rig: Rig, variant: str) -> int | None:
    found = rig.under_test.definition.variant(variant)
    for title, text in (found.details if found else {}).items():
        number = re.match(r"\s*(\d+)", text)
        if _CONNECTIONS.search(title) and number and int(number[1]) <= _MOST:
            return int(number[1])
    return None


async def _has_sessions(rig: Rig, environ: Mapping[str, str]) -> bool:
    async with rig.calls.session(environ) as ask:
        return ask is not None


async def _open(rig: Rig, environ: Mapping[str, str], most: int) -> int:
    """Return how many sessions an app can have at once."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(rig.session(environ))
        for number in range(1, most):
            try:
                ask = await stack.enter_async_context(rig.calls.session(environ))
                if ask is not None:
                    await ask(KEY)
            except Unable:
                return number
    return most
