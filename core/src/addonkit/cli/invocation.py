"""One invocation of the command line, and what it knows from its start to its end."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from addonkit.cli.quick_views import Listing
    from addonkit.kit.kit import Kit
    from addonkit.models.views import Environment, InstanceView

T = TypeVar("T")

Opener = Callable[..., "AbstractAsyncContextManager[Kit]"]
"""Opens a home: `addonkit.open`, or what tests put in its place."""


def _elsewhere() -> Opener | None:
    """Open the home that ADDONKIT_URL names, which another process serves; None without that variable."""
    url = os.environ.get("ADDONKIT_URL", "")
    if not url:
        return None

    def connected(home: str | None, heal: bool, on_event: Any = None) -> Any:  # noqa: ARG001 - of `addonkit.open`
        import addonkit

        return addonkit.connect(url, on_event=on_event)

    return connected


class Invocation:
    """Options that every command takes, and the way to open a home.

    Attributes:
        home: directory given with `--home`; None leaves it to ADDONKIT_HOME and the default.
        json: whether a program reads the output: one JSON document on stdout, no progress.
        verbose: whether traces are shown.
        hint: what to do after an interruption; empty while nothing is under way.
    """

    def __init__(self, opener: Opener | None = None) -> None:
        self._opener = opener or _elsewhere()
        self.home: str | None = None
        self.json = False
        self.verbose = False
        self.hint = ""

    def answer(self, document: Any, text: str) -> None:
        """Write the result: a JSON document for programs, text for people."""
        from addonkit.cli.streams import write, write_json

        if self.json:
            write_json(document)
        else:
            write(text)

    def quick_environment(self, app: str, *, running: bool = True) -> Environment | None:
        """Return what an app receives when reading the state is enough to tell; see `read_path.read`."""
        if self._opener is not None:
            return None
        from addonkit.cli.read_path import read

        found = read(self.home, app, running=running)
        if found is None:
            return None
        from addonkit.models.variable import Variable
        from addonkit.models.views import Environment, EnvironmentEntry

        entries = (EnvironmentEntry(Variable(e.key, e.text, e.sensitive), e.source) for e in found.entries)
        return Environment(app, tuple(entries), unset=found.unset, programs=found.programs)

    def quick_list(self, app: str | None, *, start: bool) -> Listing | None:
        """Return what `list` shows when reading is enough to tell; see `quick_views.read_list`."""
        if self._opener is not None:
            return None
        from addonkit.cli.quick_views import read_list

        return read_list(self.home, app, start=start)

    def remember(self, kit: Kit, views: Iterable[InstanceView]) -> None:
        """Note what the long way found, so that the next command may take the quick one."""
        if self._opener is not None:
            return
        from addonkit.cli.installed_notes import note_installed

        note_installed(kit, views)

    async def followed(self, kit: Kit, work: Awaitable[T]) -> T:
        """Do what changes variables, perhaps also when it fails; then bring files up to date that follow them."""
        if self._opener is not None:
            return await work
        from addonkit.cli.streams import clean, echo_err

        def warn(problem: str) -> None:
            echo_err(f"warning: {clean(problem)}")

        try:
            result = await work
        except Exception:
            await kit.write_environment_files(warn)
            raise
        await kit.write_environment_files(warn)
        return result

    def open(self, **options: Any) -> AbstractAsyncContextManager[Kit]:
        """Open the home; takes the options of `addonkit.open`."""
        if self._opener is not None:
            return self._opener(home=self.home, **options)
        import addonkit

        return addonkit.open(self.home, **options)
