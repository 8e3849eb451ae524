"""Moves the objects of a place into an archive and out of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from addonkit import Archive, ArchiveReader, ArchiveWriter, BackupError, Fingerprint, Instance, Member, Saga, step
from addonkit_s3_remote import removal
from addonkit_s3_remote.client import PATIENCE_FOR_MANY, s3
from addonkit_s3_remote.elsewhere import service_with
from addonkit_s3_remote.foreign import FOREIGN, load_foreign
from addonkit_s3_remote.objects import About, Digests, parse_about
from addonkit_s3_remote.places import Place, place_of
from addonkit_s3_remote.reading import contents, enable_versions, entries, is_versioned, versions
from addonkit_s3_remote.removal import Progress
from addonkit_s3_remote.sagas import Told
from addonkit_s3_remote.service import Service
from addonkit_s3_remote.writing import Uploads

_DAY: Final = 86_400.0
_ABOUT: Final = "about/"
_REMOVED: Final = "removed/"
_VERSIONS: Final = "versions.txt"
"""Members: what is said about an object, before it; a key that ends with a removal; that the bucket keeps versions."""

_EVERY: Final = 500
"""Objects between two remarks."""


@step(gives="result", undo=None, timeout=_DAY)
async def dump(settings: Told, instance: Instance, archive: Archive, progress: Progress) -> Fingerprint:
    """Write the objects into the archive."""
    async with archive.writing() as writer:
        service = await service_with(settings, instance)
        found = await _dump(service, place_of(instance), writer, progress)
        await writer.finish(found)
    return found


@step(undo=None, timeout=_DAY)
async def load(settings: Told, instance: Instance, archive: Archive, progress: Progress) -> None:
    """Load the objects from the archive."""
    service, place = await service_with(settings, instance), place_of(instance)
    await removal.abort_uploads(service, place, progress)
    await removal.remove_all(service, place, progress)
    async with archive.reading() as reader:
        await _load(service, place, reader, progress)


@step(gives="result", undo=None, timeout=_DAY)
async def take_fingerprint(settings: Told, instance: Instance) -> Fingerprint:
    """Read all objects."""
    place, digests = place_of(instance), Digests()
    service = await service_with(settings, instance)
    async with s3(service, f"reading the objects of {place}", patience=PATIENCE_FOR_MANY) as client:
        removed: list[str] = []
        listed = (
            versions(client, place, removed) if await is_versioned(client, place.bucket) else entries(client, place)
        )
        async for each in contents(client, place, listed):
            async for _chunk in each.chunks():
                pass
            digests.add(each.about, each.size, each.sha256)
    for key in removed:
        digests.add_removed(key)
    return digests.fingerprint()


BACKUP: Saga[Fingerprint] = Saga("s3-remote.backup", steps=(dump,))
RESTORE: Saga[None] = Saga("s3-remote.restore", steps=(load,))
FINGERPRINT: Saga[Fingerprint] = Saga("s3-remote.fingerprint", steps=(take_fingerprint,))


async def _dump(service: Service, place: Place, writer: ArchiveWriter, progress: Progress) -> Fingerprint:
    digests, count = Digests(), 0
    removed: list[str] = []
    async with s3(service, f"reading the objects of {place}", patience=PATIENCE_FOR_MANY) as client:
        versioned = await is_versioned(client, place.bucket)
        if versioned:
            await _write(writer, _VERSIONS, b"this bucket keeps versions\n")
        listed = versions(client, place, removed) if versioned else entries(client, place)
        async for each in contents(client, place, listed):
            count += 1
            await _write(writer, f"{_ABOUT}{count:09d}", each.about.to_json())
            await writer.write(each.about.member, each.chunks(), each.size)
            digests.add(each.about, each.size, each.sha256)
            if count % _EVERY == 0:
                progress(f"{count:,} objects written, {writer.written:,} bytes")
    for number, key in enumerate(removed):
        await _write(writer, f"{_REMOVED}{number:09d}", key.encode())
        digests.add_removed(key)
    return digests.fingerprint()


async def _load(service: Service, place: Place, reader: ArchiveReader, progress: Progress) -> None:
    attempted = f"loading the objects of {place}"
    about: About | None = None
    count, in_order = 0, False
    async with s3(service, attempted, patience=PATIENCE_FOR_MANY) as client, Uploads(client, place) as uploads:
        members = reader.members()
        async for member in members:
            if member.name.startswith(FOREIGN):
                await load_foreign(service, client, place, uploads, member, members, progress)
                return
            if member.name == _VERSIONS:
                in_order = True
                if not place.prefix:
                    await enable_versions(client, place.bucket)
            elif member.name.startswith(_ABOUT):
                about = parse_about(await _content(member), attempted)
            elif member.name.startswith(_REMOVED):
                await uploads.remove((await _content(member)).decode())
            elif about is not None and about.member == member.name and member.size is not None:
                await uploads.put(about, member.size, member.content(), in_order=in_order)
                about, count = None, count + 1
                if count % _EVERY == 0:
                    progress(f"{count:,} objects loaded, {reader.bytes_read:,} bytes")
            else:
                raise BackupError(attempted, f"the archive says nothing about its member {member.name!r}")


async def _write(writer: ArchiveWriter, name: str, content: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await writer.write(name, chunks(), len(content))


async def _content(member: Member) -> bytes:
    return b"".join([chunk async for chunk in member.content()])
