"""Archives of backups, as steps receive them: `archive` of an execution whose subject names one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import attrs

from addonkit.archive.foreign import Foreign
from addonkit.archive.names import archive_path
from addonkit.archive.pipe import Pipe
from addonkit.archive.reader import HashingSource, StreamReader, read_archive, read_manifest
from addonkit.archive.repository import Repository
from addonkit.archive.writer import StreamWriter, write_archive
from addonkit.controller.backups.keyring import Keyring
from addonkit.errors import BackupError
from addonkit.models.backup import ArchiveManifest
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Instance
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.archive.interface import Archive
    from addonkit.models.secret import Secret
    from addonkit.registry.registry import Registry
    from addonkit.util.clock import Clock

REPOSITORY: Final = "ADDONKIT_BACKUPS"
"""Variable with the URL of the repository; default is a directory beside the home."""

LOCATION: Final = "archive"
NAME: Final = "backup"
"""Roles of a subject: the URL of an archive, and the name of its backup."""


def repository_url(home: Path, environ: Mapping[str, str]) -> str:
    """Return the URL of the repository: `ADDONKIT_BACKUPS`, else the directory `<home>-backups`."""
    named = environ.get(REPOSITORY, "")
    if "://" in named:
        return named
    return str(Path(named).expanduser().absolute() if named else home.with_name(f"{home.name}-backups"))


def archive_subject(location: str, name: str) -> dict[str, str]:
    """Return what an execution's subject says about its archive."""
    return {LOCATION: location, NAME: name}


def split_location(location: str) -> tuple[str, str]:
    """Return the URL of a directory and the name of a file in it."""
    directory, _, file = location.rpartition("/")
    return directory or "/", file


@frozen
class ReadResult:
    """The result of reading a whole archive and checking it."""

    fingerprint: Fingerprint
    sha256: str


@frozen
class StoredArchive:
    """See Archive.

    Attributes:
        location: URL.
        name: of the backup.
        manifest: of the instance that it serves, for writing; None when there is none.
        keyring: opens it.
        results: of archives that were read to the end, by location.
    """

    location: str
    name: str
    manifest: ArchiveManifest | None
    keyring: Keyring
    results: dict[str, ReadResult] = attrs.field(factory=dict)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[StreamWriter]:
        """See Archive."""
        if self.manifest is None:
            raise BackupError(f"writing backup {self.name}", "there is no instance that it is of")
        repository, path = await self._repository()
        async with write_archive(repository, path, self.manifest, await self.keyring.recipients()) as writer:
            yield writer

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[StreamReader]:
        """See Archive."""
        identities = await self.keyring.identities()
        async with self._source() as file:
            source = HashingSource(file)
            async with read_archive(source, self.name, identities) as reader:
                yield reader
            fingerprint = (await reader.drain()).fingerprint
            self.results[self.location] = ReadResult(fingerprint, source.sha256)

    async def read(self) -> ReadResult:
        """Read and check all of it, unless this process has done so already."""
        if self.location not in self.results:
            async with self.reading():
                pass
        return self.results[self.location]

    async def read_manifest(self, key: str = "") -> ArchiveManifest:
        """Return what it says about itself; its beginning alone is read. `key` is a further age identity."""
        identities = (*await self.keyring.identities(), *((key,) if key else ()))
        async with self._source() as file:
            return await read_manifest(file, self.name, identities)

    async def delete(self) -> None:
        """Delete it, in the repository or as a file of the user's. Does nothing if it does not exist."""
        repository, path = await self._repository()
        await asyncio.to_thread(repository.delete, path)

    @asynccontextmanager
    async def _source(self) -> AsyncIterator[IO[bytes]]:
        repository, path = await self._repository()
        opened = repository.open(path)
        file = await asyncio.to_thread(opened.__enter__)
        try:
            yield file
        finally:
            await asyncio.to_thread(opened.__exit__, None, None, None)

    async def _repository(self) -> tuple[Repository, str]:
        directory, file = split_location(self.location)
        return await asyncio.to_thread(Repository, directory), file


class Archives:
    """Gives the archive that a subject names.

    Args:
        keyring: opens archives.
        registry: knows who wrote one.
        clock: gives times.
    """

    def __init__(self, keyring: Keyring, registry: Registry, clock: Clock) -> None:
        self._keyring = keyring
        self._registry = registry
        self._clock = clock
        self._results: dict[str, ReadResult] = {}
        self._pipes: dict[str, Pipe] = {}
        self._foreign: dict[str, Path | Secret] = {}

    def of(self, subject: Mapping[str, str], instance: Instance | None) -> Archive | None:
        """Return the archive; None when the subject names none. `instance` is what a new one is of."""
        if not subject.get(LOCATION):
            return None
        if subject[LOCATION] in self._pipes:
            return self._pipes[subject[LOCATION]]
        if subject[LOCATION] in self._foreign and instance:
            return Foreign(self._foreign[subject[LOCATION]], self._manifest(subject[LOCATION], instance))
        name = subject.get(NAME, "")
        return self.at(subject[LOCATION], name, self._manifest(name, instance) if instance else None)

    @contextmanager
    def foreign(self, location: str, source: Path | Secret) -> Iterator[None]:
        """Give a location to data of another origin while the block lasts; a URL is kept nowhere else."""
        self._foreign[location] = source
        try:
            yield
        finally:
            del self._foreign[location]

    @contextmanager
    def piped(self, id: str, instance: Instance) -> Iterator[str]:
        """Give the location of an archive that is read while it is written; it is forgotten with the block."""
        location = f"pipe:{id}"
        self._pipes[location] = Pipe(self._manifest(id, instance))
        try:
            yield location
        finally:
            del self._pipes[location]

    def give_up(self, location: str) -> None:
        """Let the other side of a pipe fail, wherever it waits."""
        self._pipes[location].give_up()

    def at(self, location: str, name: str, manifest: ArchiveManifest | None = None) -> StoredArchive:
        """Return the archive at a URL."""
        return StoredArchive(location, name, manifest, self._keyring, self._results)

    def _manifest(self, name: str, instance: Instance) -> ArchiveManifest:
        addon = self._registry.get(instance.addon, instance.distribution)
        return ArchiveManifest(
            name,
            self._clock.now(),
            instance.name,
            instance.id,
            instance.app,
            instance.addon,
            instance.variant,
            addon.distribution,
            addon.version,
            dict(instance.config),
            instance.config.get(CONFIG_VERSION, ""),
        )


def location_of(url: str, name: str, addon: str) -> str:
    """Return the URL of a backup's archive in a repository."""
    return f"{url.rstrip('/')}/{archive_path(name, addon)}"
