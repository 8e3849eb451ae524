"""One test's own world: a home, the service the addon needs, and apps that use what they get."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import attrs

from addonkit.errors import AddonkitError
from addonkit.models.execution import Event
from addonkit.models.secret import Secret
from addonkit.opening import open
from addonkit.runtime import Kit
from addonkit.testing.command import CommandLine
from addonkit.testing.conformance.client import ConformanceClient
from addonkit.testing.conformance.subject import Subject
from addonkit.testing.conformance.verdict import fail, require
from addonkit.testing.home import left_behind, temporary_home

KEY: Final = "greeting"

_OF_OTHERS: Final = frozenset({"broken-addon", "addon-not-installed"})
"""Findings about other addons of the machine."""

SEEN_SECRETS: set[str] = set()
"""Every secret that came up, so that reports can be kept free of them."""


@attrs.frozen
class Rig:
    """What a check works with.

    Attributes:
        subject: the addon under test.
        client: an app of it.
        home: empty at the start, removed at the end.
        settings: of the addon, for the service it needs.
        before: what was on that service at the start.
        events: everything that was reported while a kit was open.
        sensitive: names of variables that are secret.
    """

    subject: Subject
    client: ConformanceClient
    home: Path
    settings: Mapping[str, str]
    before: frozenset[str]
    events: list[Event] = attrs.field(factory=list)
    sensitive: set[str] = attrs.field(factory=set)

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the addon, as variables of the environment."""
        prefix = f"ADDONKIT_{self.subject.addon.name.upper().replace('-', '_')}_"
        return {prefix + name.upper(): value for name, value in self.settings.items()}

    @property
    def command(self) -> CommandLine:
        """The real command line on the home."""
        return CommandLine(self.home, self.environ)

    @asynccontextmanager
    async def kit(self) -> AsyncIterator[Kit]:
        """addonkit, open on the home."""
        async with open(self.home, environ=self.environ, on_event=self.events.append) as kit:
            yield kit

    def spec(self, variant: str) -> str:
        """What the user types."""
        return f"{self.subject.addon.name}:{variant}"

    def name(self, app: str) -> str:
        """The instance that `create` makes for an app."""
        return f"{app}-{self.subject.addon.name}"

    async def create(self, kit: Kit, variant: str, app: str, *, alias: str = "") -> dict[str, str]:
        """Create an instance for an app; the environment of the app."""
        binding = await kit.create(self.spec(variant), app, alias=alias)
        for variable in binding.variables:
            if isinstance(variable.value, Secret):
                SEEN_SECRETS.add(variable.text)
                self.sensitive.add(variable.key)
        return binding.environ()

    async def environment(self, kit: Kit, app: str) -> dict[str, str]:
        """What an app receives now."""
        return dict((await kit.environment(app)).as_dict())

    async def write(self, environ: Mapping[str, str], value: str, key: str = KEY) -> None:
        """Let an app keep a value."""
        try:
            await asyncio.to_thread(self.client.write, environ, key, value)
        except Exception as error:  # noqa: BLE001 - a client may raise anything
            fail(
                f"an app cannot write with the variables it was given: {type(error).__name__}: {error}",
                "make the variables lead to a service that is ready, and let the app do its work",
            )

    async def expect(self, environ: Mapping[str, str], value: str | None, why: str, key: str = KEY) -> None:
        """Check what an app reads."""
        try:
            found = await asyncio.to_thread(self.client.read, environ, key)
        except Exception as error:  # noqa: BLE001 - a client may raise anything
            fail(
                f"an app cannot read with its variables ({why}): {type(error).__name__}: {error}",
                "keep what the app was given valid for as long as the instance lives",
            )
        require(
            found == value,
            f"an app reads {found!r} where {value!r} was written ({why})",
            "keep each app's data, and each app's data only",
        )

    async def is_refused(self, environ: Mapping[str, str], value: str) -> bool:
        """Whether these variables do not lead to that value."""
        try:
            return await asyncio.to_thread(self.client.read, environ, KEY) != value
        except Exception:  # noqa: BLE001 - a client may raise anything, which is what is hoped for
            return True

    async def destroy(self, kit: Kit, app: str) -> None:
        """Destroy the instance made for an app."""
        try:
            await kit.destroy(self.name(app))
        except AddonkitError as error:
            fail(f"destroying {self.name(app)} failed: {error}", "let every step of deprovisioning be safe to repeat")

    async def expect_nothing(self, kit: Kit, why: str) -> None:
        """Check that no process, directory, port, record or thing on the service is left."""
        left = [*left_behind(self.home), *sorted(set(self.remains()) - self.before)]
        found = [each for each in await kit.doctor() if each.kind not in _OF_OTHERS]
        findings = [f"{each.kind} {each.subject}: {each.problem}" for each in found]
        require(
            not left and not findings,
            f"{why}, and this is left: {', '.join([*left, *findings])}",
            "undo every effect in its step's undo, and remove everything when deprovisioning, by names made from ids",
        )

    def remains(self) -> Collection[str]:
        """What is on the service."""
        return self.client.left_behind(self.settings)

    def kill(self, *words: str, point: str) -> bool:
        """Run a command that dies at a point; whether it came there."""
        return self.command(*words, ADDONKIT_FAULT=point).status == -signal.SIGKILL


@contextmanager
def rigged(addon: str, client: ConformanceClient, settings: Mapping[str, str]) -> Iterator[Rig]:
    """A rig with the settings of the client's service; at the end nothing of it runs any more."""
    with temporary_home() as home:
        SEEN_SECRETS.update(_secret_settings(Subject.find(addon), settings))
        yield Rig(Subject.find(addon), client, home, settings, frozenset(client.left_behind(settings)))


def _secret_settings(subject: Subject, settings: Mapping[str, str]) -> set[str]:
    return {settings[each.name] for each in subject.definition.settings if each.secret and each.name in settings}
