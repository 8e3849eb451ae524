"""Checks that an instance is what its variant and its variables say."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from addonkit.compute.process.versions import matches
from addonkit.models.definition import CONFIG_VERSION, is_shared_variant
from addonkit.models.instance import Server
from addonkit.models.secret import Secret
from addonkit.provider.server_addon.addon import ServerAddon
from addonkit.provider.server_addon.declaration import ADMIN_PASSWORD
from addonkit.registry.loader import import_object
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.applicability import not_applicable, not_tried
from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import KEY, Rig, Unable

_CONNECTIONS: Final = re.compile(r"connections|sessions", re.IGNORECASE)
_MOST: Final = 200
"""Connections that are opened at most: a greater promise is not tried."""

_BEYOND: Final = 10
"""Connections past the promised number of which one at least must be refused."""

_ODD_VERSION: Final = "7654"

_PARTS: Final = {
    "HOST": re.compile(r"(?:.*_|PG|)(?:HOST|HOSTNAME)"),
    "PORT": re.compile(r"(?:.*_|PG|)PORT"),
    "USER": re.compile(r"(?:.*_|PG|)(?:USER|USERNAME)"),
    "PASSWORD": re.compile(r"(?:.*_|PG|)(?:PASSWORD|PASS)"),
    "DATABASE": re.compile(r"(?:.*_|PG|)(?:DATABASE|DB|DBNAME)"),
}
"""Names of variables whose meaning is standard."""


class PromiseChecks:
    """Checks that the definition is true, and that several variables say the same."""

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
            config = {**variant.config, CONFIG_VERSION: _ODD_VERSION}
            key = "shared:kit" if is_shared_variant(variant.name) else "kit"
            secrets = {ADMIN_PASSWORD: Secret("an-example-of-a-password-of-some-length")}
            found = plugin.program(Server("kit-server", addon_name, key, config=config, attributes=secrets)).version
            require(
                found == _ODD_VERSION,
                f"variant {variant.name}: version {_ODD_VERSION} is asked for, and its program has {found or 'none'}",
                "give Program the version of the Server",
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

    @synchronous
    async def test_variables_say_the_same(self, rig: Rig, variant: str) -> None:
        """Host, port, user, password and database of their own are those of the URL, and lead somewhere."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            for part, name in _parts_of(environ):
                _check_part(part, name, environ)
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


def _promised_connections(rig: Rig, variant: str) -> int | None:
    found = rig.under_test.definition.variant(variant)
    for title, text in (found.details if found else {}).items():
        number = re.match(r"\s*(\d+)", text)
        if _CONNECTIONS.search(title) and number and int(number[1]) <= _MOST:
            return int(number[1])
    return None


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


def _parts_of(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables of a standard meaning, of those that alone have it."""
    for part, pattern in _PARTS.items():
        names = [name for name in environ if pattern.fullmatch(name)]
        if len(names) == 1:
            yield part, names[0]


def _check_part(part: str, name: str, environ: Mapping[str, str]) -> None:
    urls = [url for value in environ.values() if (url := _url(value)) is not None]
    said = dict.fromkeys(_said(part, url) for url in urls)
    others = [each for each in said if each]
    value = environ[name]
    require(
        not others or value in others,
        f"{name} is not what the URL has as its {part.lower()}",
        "make every variable from the same ConnectionInfo",
    )
    if part == "PORT" and not others:
        hosts = [environ[each] for part, each in _parts_of(environ) if part == "HOST"]
        _check_listens(name, hosts[0] if hosts else "127.0.0.1", value)


def _check_listens(name: str, host: str, port: str) -> None:
    try:
        socket.create_connection((host, int(port)), 5).close()
    except (OSError, ValueError) as error:
        fail(f"nothing answers at the port of {name}: {error}", "give the port of the ConnectionInfo")


def _said(part: str, url: SplitResult) -> str:
    """Return what a URL says of a part; empty when it says nothing. Its path is a database where it has a login."""
    path = url.path.strip("/")
    says = {
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "DATABASE": unquote(path) if url.password and "/" not in path else "",
    }
    return says[part]


def _url(value: str) -> SplitResult | None:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return None
    del port
    return url if "://" in value and url.hostname else None
