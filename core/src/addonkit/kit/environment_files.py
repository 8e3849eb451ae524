"""Files that hold the variables of apps, and follow when those change: `Kit.environment_files`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.environment_files import content_of, write_file
from addonkit.controller.lookup import get_app
from addonkit.errors import AddonkitError, Busy, NotFound, StoreError
from addonkit.models.app import BINDINGS, App, EnvironmentFile
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association

if TYPE_CHECKING:
    from addonkit.kit.services import Services
    from addonkit.store.interface import Transaction

LOOK_EVERY: Final = 30.0
"""Seconds between looks at all files, whether or not a variable was seen to change."""


class EnvironmentFiles:
    """Operations on files that follow variables."""

    def __init__(self, services: Services) -> None:
        self._store = services.store

    async def list(self) -> tuple[EnvironmentFile, ...]:
        """Return all that are remembered, by path."""
        found = [entity.value for entity in await self._store.list(EnvironmentFile)]
        return tuple(sorted(found, key=lambda each: each.path))

    async def bindings(self, app: str) -> str:
        """Return the directory that holds the bindings of an app, the first of several.

        Raises:
            NotFound: there is none.
        """
        for each in await self.list():
            if each.app == app and each.format == BINDINGS:
                return each.path
        found = "no directory holds them"
        raise NotFound(f"cannot find bindings of {app}", found, f"run `addonkit bindings -a {app} -o DIRECTORY` first")

    async def follow(self, app: str, path: str, env_format: str) -> EnvironmentFile:
        """Write the variables of an app to a file, and remember it. What was remembered of that path is replaced.

        Args:
            app: its name.
            path: of the file.
            env_format: how they are written, see `util.env_formats`; or BINDINGS for a directory.

        Raises:
            UnknownApp: there is no such app.
            Busy: variables are being made.
            InvalidInput: the app has other variables on each git branch.
            AddonkitError: it cannot be written; nothing is remembered.
        """
        await self._store.read(lambda tx: get_app(tx, app, f"cannot write {path}"))
        file = EnvironmentFile(new_id(), app, _absolute(path), env_format)
        if await content_of(self._store, file) is None:
            advice = f"`addonkit list -a {app}` shows which"
            raise Busy(f"cannot write {path}", f"variables of {app} are not there yet", advice)
        await write_file(self._store, file)
        await self._store.transact(lambda tx: _remember(tx, file))
        return file

    async def forget(self, path: str) -> EnvironmentFile:
        """Let a file follow no more; it stays as it is. NotFound when none of that path is remembered."""
        absolute = _absolute(path)
        forgotten = await self._store.transact(lambda tx: _forget(tx, absolute))
        if not forgotten:
            found = "it does not follow the variables of an app"
            raise NotFound(f"cannot forget {path}", found, "`addonkit env outputs` lists those that do")
        return forgotten[0]

    async def write(self, report: Callable[[str], None] | None = None, *, only_new: bool = False) -> None:
        """Bring all files up to date.

        Args:
            report: called with why each that fails cannot be written.
            only_new: leave out what is known to fail for this reason.
        """
        for entity in await self._store.list(EnvironmentFile):
            problem = await self._problem(entity.value)
            is_new = problem != entity.value.problem
            if is_new:
                await self._note(entity.value.id, problem)
            if problem and report is not None and (is_new or not only_new):
                report(problem)

    async def keep(self, report: Callable[[str], None]) -> None:
        """Keep all files up to date until the task is cancelled.

        Args:
            report: called once with why a file cannot be written.
        """
        changed = asyncio.Event()
        watching = asyncio.create_task(self._watch(changed))
        try:
            while True:
                changed.clear()
                await self.write(report, only_new=True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await changed.wait()
        finally:
            watching.cancel()

    async def _problem(self, file: EnvironmentFile) -> str:
        """Bring a file up to date; return why it cannot be, else nothing."""
        try:
            await write_file(self._store, file)
        except StoreError:
            raise
        except AddonkitError as error:
            return str(error)
        return ""

    async def _watch(self, changed: asyncio.Event) -> None:
        async with aclosing(self._store.watch(App, Association, EnvironmentFile)) as changes:
            async for _change in changes:
                changed.set()

    async def _note(self, id: str, problem: str) -> None:
        def note(tx: Transaction) -> None:
            entity = tx.get(EnvironmentFile, id)
            if entity is not None:
                tx.put(entity, attrs.evolve(entity.value, problem=problem))

        await self._store.transact(note)


def _absolute(path: str) -> str:
    return str(Path(path).absolute())


def _remember(tx: Transaction, file: EnvironmentFile) -> None:
    _forget(tx, file.path)
    tx.create(file.id, file)


def _forget(tx: Transaction, path: str) -> tuple[EnvironmentFile, ...]:
    found = tx.list(EnvironmentFile, {"path": path}).items
    for entity in found:
        tx.delete(EnvironmentFile, entity.name)
    return tuple(entity.value for entity in found)
