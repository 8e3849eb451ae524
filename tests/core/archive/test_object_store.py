"""A repository at an object store: what is uploaded is there whole, or not at all. Memory stays bounded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addonkit import ArchiveManifest, BackupError, Fingerprint, UnknownBackup
from addonkit.archive.encryption import new_identity, recipient_of
from addonkit.archive.names import archive_path
from addonkit.archive.reader import read_archive
from addonkit.archive.repository import Repository
from addonkit.archive.writer import write_archive

NAME = "shop-postgresql/20261126T030000Z-9f3a1c07"
PATH = archive_path(NAME, "postgresql")
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def repository() -> Iterator[Repository]:
    from moto.server import ThreadedMotoServer  # every worker collects this file; one runs it

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        access = {"endpoint_url": f"http://{host}:{port}", "key": "k", "secret": "s"}
        made = Repository("s3://backups/of/shop", access)
        made._files.mkdir("backups")
        yield made
    finally:
        server.stop()


async def content(mib: int, *, fails: bool = False) -> AsyncIterator[bytes]:
    for _ in range(mib):
        yield os.urandom(MIB)
    if fails:
        raise BackupError("reading the database", "its server has ended")


async def write(repository: Repository, key: str, mib: int, *, fails: bool = False) -> None:
    manifest = ArchiveManifest(
        NAME, datetime(2026, 11, 26, 3, tzinfo=UTC), "shop-postgresql", "i", "shop", "postgresql", "small"
    )
    async with write_archive(repository, PATH, manifest, [recipient_of(key)]) as writer:
        await writer.write("database.dump", content(mib, fails=fails))
        await writer.finish(Fingerprint())


@pytest.mark.parametrize("mib", [1, pytest.param(120, marks=pytest.mark.slow)])
async def test_an_upload_that_fails_leaves_nothing_and_one_that_succeeds_is_read_back(
    repository: Repository, mib: int
) -> None:
    key = new_identity()
    with pytest.raises(BackupError, match="its server has ended"):
        await write(repository, key, mib, fails=True)
    assert repository.backups() == ()
    with pytest.raises(UnknownBackup), repository.open(PATH):
        pass

    await write(repository, key, mib)
    (found,) = repository.backups("shop-postgresql")
    assert found.location == f"s3://backups/of/shop/{PATH}"
    assert found.size > mib * MIB
    with repository.open(PATH) as file:
        async with read_archive(file, NAME, [key]) as reader:
            read = [len(chunk) async for member in reader.members() async for chunk in member.content()]
    assert sum(read) == mib * MIB
    repository.write(f"{PATH}.note", b"x")
    assert repository.read(f"{PATH}.note") == b"x"
    for path in (PATH, f"{PATH}.note", PATH):
        repository.delete(path)
    assert repository.backups() == ()


_STREAM = """
import asyncio, os, resource, sys
sys.path.insert(0, sys.argv[2])
import test_object_store as here
from pathlib import Path
repository, key = here.Repository(sys.argv[1]), here.new_identity()
async def through(mib):
    await here.write(repository, key, mib)
    with repository.open(here.PATH) as file:
        async with here.read_archive(file, here.NAME, [key]):
            pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(asyncio.run(through(16)), asyncio.run(through(400)))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_data(tmp_path) -> None:
    here = Path(__file__).parent
    said = subprocess.run([sys.executable, "-c", _STREAM, tmp_path, here], capture_output=True, text=True, check=True)
    small, large = map(int, said.stdout.split())

    assert large < small + 40, f"{small} MiB for 16 MiB of data, {large} MiB for 400"
