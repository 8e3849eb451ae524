"""One test's own world: a home, the service the addon needs, and apps that use what they get."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from addonkit.errors import AddonkitError
from addonkit.kit.binding import Binding
from addonkit.kit.bootstrap import open
from addonkit.kit.kit import Kit
from addonkit.models.certificate import Authority
from addonkit.models.execution import Event
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association, Instance
from addonkit.models.secret import Secret
from addonkit.models.views import Finding
from addonkit.provider.certificates import NAME as AUTHORITY
from addonkit.registry.discovery import BLOCK_VARIABLE
from addonkit.store.codec import Codec
from addonkit.store.interface import Transaction
from addonkit.store.keyfile import load_key
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.command import CommandLine
from addonkit.testing.conformance.addon_under_test import AddonUnderTest, plugins_beside, registry_for
from addonkit.testing.conformance.applicability import not_tried
from addonkit.testing.conformance.assertions import fail, fail_by, frames_in, require
from addonkit.testing.conformance.calls import Calls
from addonkit.testing.conformance.client import ConformanceClient
from addonkit.testing.conformance.leftovers import marked, processes_of, unmarked
from addonkit.testing.conformance.reaper import folder_for_homes, shared_templates
from addonkit.testing.conformance.secret_tracker import remember
from addonkit.testing.conformance.slow_starts import check_worth_waiting, note_wait
from addonkit.testing.home import kill_servers, left_behind, temporary_home
from addonkit.util.clock import SystemClock

KEY: Final = "greeting"

SERVER: Final = "server"
"""Property of a test: the version of the server."""

_LAST_LINES: Final = 5
"""Lines of a command's output that a failure shows."""

_OF_OTHERS: Final = frozenset({"broken-addon", "addon-not-installed"})
"""Findings about other addons of the machine."""

Unable = (Exception, pytest.skip.Exception)
"""What a client may raise; by skipping it would hide what it cannot do."""


@attrs.frozen
class Rig:
    """The tools of a check.

    Attributes:
        under_test: the addon under test.
        calls: to an app of it.
        home: empty at the start, removed at the end.
        settings: of the addon, for the service it needs.
        before: what was on that service at the start.
        mark: what all processes of the check inherit.
        apps: names of apps by the part that each plays.
        events: everything that was reported while a kit was open.
        sensitive: names of variables that are secret.
    """

    under_test: AddonUnderTest
    calls: Calls
    home: Path
    settings: Mapping[str, str]
    before: frozenset[str]
    mark: str
    apps: dict[str, str] = attrs.field(factory=dict)
    events: list[Event] = attrs.field(factory=list)
    sensitive: set[str] = attrs.field(factory=set)

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the addon, as variables of the environment."""
        return {self.variable(name): value for name, value in self.settings.items()}

    def variable(self, setting: str) -> str:
        """Return the variable of the environment that gives a setting of the addon."""
        return f"ADDONKIT_{self.under_test.addon.name}_{setting}".upper().replace("-", "_")

    @property
    def command(self) -> CommandLine:
        """The real command line on the home."""
        blocked = {BLOCK_VARIABLE: ",".join(sorted(plugins_beside(self.under_test.addon.name)))}
        return CommandLine(self.home, self.environ | blocked)

    @asynccontextmanager
    async def kit(self) -> AsyncIterator[Kit]:
        """Yield addonkit, open on the home."""
        registry = registry_for(self.under_test.addon.name)
        # A check wants nothing of the trash back, and prepares no disk that another one has prepared.
        environ = {"ADDONKIT_TRASH": "0", **shared_templates(), **self.environ}
        async with open(self.home, environ=environ, registry=registry, on_event=self.events.append) as kit:
            yield kit

    def spec(self, variant: str) -> str:
        """Return what the user types."""
        return f"{self.under_test.addon.name}:{variant}"

    def app(self, part: str) -> str:
        """Return the name of the app that plays a part: one that no addon could know beforehand."""
        return self.apps.setdefault(part, f"{new_id()}-{new_id()[:3]}")

    def name(self, app: str) -> str:
        """Return the instance that `create` makes for an app."""
        return f"{self.app(app)}-{self.under_test.addon.name}"

    async def create(
        self, kit: Kit, variant: str, app: str, *, alias: str = "", options: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Create an instance for an app; the environment of the app."""
        binding = await self.bind(kit, variant, app, alias=alias, options=options)
        secret = [variable for variable in binding.variables if isinstance(variable.value, Secret)]
        remember(variable.text for variable in secret)
        self.sensitive.update(variable.key for variable in secret)
        return binding.environ()

    async def bind(
        self, kit: Kit, variant: str, app: str, *, alias: str = "", options: Mapping[str, str] | None = None
    ) -> Binding:
        """Create an instance for an app, unless servers of the variant were not ready before."""
        check_worth_waiting(variant)
        try:
            return await kit.create(self.spec(variant), self.app(app), alias=alias, options=options)
        except AddonkitError as error:
            note_wait(variant, error)
            raise

    async def environment(self, kit: Kit, app: str) -> dict[str, str]:
        """Return what an app receives now."""
        return dict((await kit.environment(self.app(app))).as_dict())

    async def write(self, environ: Mapping[str, str], value: str, key: str = KEY, *, why: str = "") -> None:
        """Let an app keep a value."""
        where = f" ({why})" if why else ""
        try:
            await self.calls("write", environ, key, value)
        except Unable as error:
            fail_by(
                error,
                f"an app cannot write with the variables it was given{where}: {type(error).__name__}: {error}",
                "make the variables lead to a service that is ready, and let the app do its work",
            )

    async def expect(self, environ: Mapping[str, str], value: str | None, why: str, key: str = KEY) -> None:
        """Check what an app reads."""
        try:
            found = await self.calls("read", environ, key)
        except Unable as error:
            fail_by(
                error,
                f"an app cannot read with its variables ({why}): {type(error).__name__}: {error}",
                "keep what the app was given valid for as long as the instance lives",
            )
        require(
            found == value,
            f"an app reads {found!r} where {value!r} was written ({why})",
            "keep each app's data, and each app's data only",
        )

    async def try_to_write(self, environ: Mapping[str, str], value: str) -> None:
        """Let an app keep a value where it may not; that it is refused is what is hoped for."""
        with suppress(*Unable):
            await self.calls("write", environ, KEY, value)

    async def keys(self, environ: Mapping[str, str]) -> Collection[str] | None:
        """Return what an app sees of what is kept, None when its service lists nothing."""
        try:
            found: Collection[str] | None = await self.calls("keys", environ)
        except Unable as error:
            fail(
                f"an app cannot list what it keeps: {type(error).__name__}: {error}",
                "let ConformanceClient.keys answer None when the service lists nothing",
            )
        return found

    async def is_refused(self, environ: Mapping[str, str], value: str) -> bool:
        """Return whether these variables do not lead to that value."""
        try:
            found: str | None = await self.calls("read", environ, KEY)
        except Unable:
            return True
        return found != value

    async def is_let_in(self, environ: Mapping[str, str]) -> bool:
        """Return whether the service lets these variables in, whatever it has for them."""
        try:
            await self.calls("read", environ, KEY)
        except Unable:
            return False
        return True

    async def expect_unknown(self, environ: Mapping[str, str], why: str) -> None:
        """Check that the service knows a login no more, also where that would open nothing."""
        try:
            known = await self.calls("knows", environ)
        except Unable:
            return  # its server has gone with it
        require(
            not known,
            f"the service knows the old login after {why}, though it opens nothing",
            "remove the login together with the data, and list it among the claims of the server until then",
        )

    @asynccontextmanager
    async def session(self, environ: Mapping[str, str]) -> AsyncIterator[Callable[[str], Any]]:
        """Open a session of an app, and yield the coroutine function that asks for a key on it."""
        try:
            opened = self.calls.session(environ)
            ask = await opened.__aenter__()
        except Unable as error:
            fail_by(error, f"an app cannot open a session: {type(error).__name__}: {error}", "let it work as read does")
        try:
            if ask is None:
                not_tried("session")
            yield ask
        finally:
            await opened.__aexit__(None, None, None)

    def note_server(self, version: str) -> None:
        """Note for the report which version of the server is tried."""
        self.calls.spent.append((SERVER, version))

    async def ask(self, method: str, environ: Mapping[str, str]) -> Any:
        """Return what a further method of the client answers."""
        try:
            return await self.calls(method, environ)
        except Unable as error:
            found = f"ConformanceClient.{method} raises {type(error).__name__}: {error}"
            fail_by(error, found, "let it leave out what the service refuses")

    async def forget(self, app: str) -> None:
        """Lose the record of an instance, as if state had been restored from before it."""
        await self._change(lambda tx: _forget(tx, self.name(app)))

    async def forget_authority(self) -> None:
        """Lose what signs certificates: another one is made for the next."""
        await self._change(lambda tx: tx.delete(Authority, AUTHORITY))

    async def _change(self, change: Callable[[Transaction], object]) -> None:
        codec = Codec(Sealer(load_key(self.home, self.environ)))
        store = await SqliteStore.open(self.home / "state.db", codec, SystemClock())
        try:
            await store.transact(change)
        finally:
            await store.close()

    async def destroy(self, kit: Kit, app: str) -> None:
        """Destroy the instance made for an app."""
        try:
            await kit.destroy(self.name(app))
        except AddonkitError as error:
            found = f"destroying {self.name(app)} failed: {error}"
            fail_by(error, found, "let every step of deprovisioning be safe to repeat")

    async def expect_nothing(self, kit: Kit, why: str) -> None:
        """Check that no process, directory, port, record or thing on the service is left."""
        processes = [f"process {each.name()}" for each in processes_of(self.mark)]
        left = [*left_behind(self.home), *sorted(set(self.remains()) - self.before), *processes]
        found = [each for each in await kit.doctor() if each.kind not in _OF_OTHERS]
        findings = [words_of([each]) for each in found]
        require(
            not left and not findings,
            f"{why}, and this is left: {', '.join([*left, *findings])}",
            "undo every effect in its step's undo, and remove everything when deprovisioning, by names made from ids",
        )

    def remains(self) -> Collection[str]:
        """Return what is on the service."""
        return self.calls.client.left_behind(self.settings)

    def kill(self, *words: str, point: str) -> str:
        """Run a command that dies at a point; how it ended where it did not come there, empty when it did."""
        try:
            ended = self.command(*words, "-v", ADDONKIT_FAULT=point)
        except subprocess.TimeoutExpired as expired:
            return f"`addonkit {words[0]}` was killed after {expired.timeout:g} s: {_end_of(str(expired.stderr))}"
        if ended.status == -signal.SIGKILL:
            return ""
        said = f"`addonkit {words[0]}` ended with status {ended.status}: {_end_of(ended.err or ended.out)}"
        return "\n  ".join((said, *frames_in(ended.err)))


def words_of(findings: Collection[Finding]) -> str:
    """Return what `doctor` found, for a message."""
    return "; ".join(f"{each.kind} {each.subject}: {each.problem}" for each in findings)


async def restarted(rig: Rig, kit: Kit) -> bool:
    """Kill all servers of the home and let them come back; whether there are any."""
    if not await kit.backend.pools_here():
        return False
    kill_servers(rig.home)
    healed = await kit.heal()
    require(not healed.failed, f"it does not start again: {healed.failed}", "start on what is there")
    return True


def _end_of(text: str) -> str:
    """Return the last lines of an output, those from the error on if there is one."""
    lines = [line.strip() for line in text.strip().splitlines()][-_LAST_LINES:]
    error = next((number for number, line in enumerate(lines) if line.startswith("error: ")), 0)
    return " | ".join(lines[error:])


def _forget(tx: Transaction, name: str) -> None:
    for found in tx.list(Instance, {"name": name}).items:
        for tie in tx.list(Association, {"instance": found.name}).items:
            tx.delete(Association, tie.name)
        tx.delete(Instance, found.name)


@contextmanager
def rigged(
    addon: str,
    client: ConformanceClient,
    settings: Mapping[str, str],
    properties: list[tuple[str, object]] | None = None,
) -> Iterator[Rig]:
    """Yield a rig with the settings of the client's service; at the end nothing of it runs any more.

    Args:
        addon: its name.
        client: of the author.
        settings: of the service that the addon needs.
        properties: of the test; takes the time that the client took.
    """
    with temporary_home() as home, marked() as mark:
        under_test = AddonUnderTest(registry_for(addon).get(addon))
        remember(
            settings[each.name] for each in under_test.definition.settings if each.secret and each.name in settings
        )
        yield Rig(
            under_test,
            Calls(client, [] if properties is None else properties),
            home,
            settings,
            frozenset(client.left_behind(settings)),
            mark,
        )


@contextmanager
def serving(client: ConformanceClient) -> Iterator[Mapping[str, str]]:
    """Yield settings of the service that the addon needs, while it runs; it outlives the first check that asks."""
    folder_for_homes()  # marks what the service starts
    with ExitStack() as stack:
        try:
            with unmarked():
                settings = stack.enter_context(client.service())
        except Unable as error:
            fail(
                f"the service that the addon needs does not run: {type(error).__name__}: {error}",
                "let ConformanceClient.service run one, or install what it needs; nothing is proved without it",
            )
        yield settings
