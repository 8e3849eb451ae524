"""Archives: what is written comes back, with our reader and with public tools; what was changed is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from addonkit import ArchiveDamaged, ArchiveManifest, BackupError, Fingerprint, Part, UnknownBackup
from addonkit.archive.encryption import new_identity, recipient_of
from addonkit.archive.names import archive_path, new_backup_name, parse_path
from addonkit.archive.reader import HashingSource, read_archive, read_manifest
from addonkit.archive.repository import Repository
from addonkit.archive.writer import write_archive
from addonkit.controller.backups.archives import repository_url

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
FOUND = Fingerprint((Part("table orders", 3, "ab", "rows"),))
NAME = "shop-postgresql/20261126T030000Z-9f3a1c07"
PATH = archive_path(NAME, "postgresql")
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def key() -> str:
    return new_identity()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(str(tmp_path / "backups"))


def manifest() -> ArchiveManifest:
    return ArchiveManifest(NAME, NOW, "shop-postgresql", "i1", "shop", "postgresql", "small")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for each in parts:
        yield each


def _run(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, cwd=directory, check=False, capture_output=True, text=True)


async def write(
    repository: Repository, key: str, members: dict[str, tuple[bytes, int | None]], path: str = PATH
) -> None:
    async with write_archive(repository, path, manifest(), [recipient_of(key)]) as writer:
        for name, (content, size) in members.items():
            await writer.write(name, chunks(content[:1], content[1:]), size)
        await writer.finish(FOUND)


async def read(repository: Repository, key: str, path: str = PATH) -> dict[str, bytes]:
    found = {}
    with repository.open(path) as file:
        async with read_archive(file, NAME, [key]) as reader:
            async for member in reader.members():
                found[member.name] = b"".join([chunk async for chunk in member.content()])
            assert reader.manifest == manifest()
            assert reader.trailer is not None
            assert reader.trailer.fingerprint == FOUND
    return found


MEMBERS: dict[str, tuple[bytes, int | None]] = {
    "database.dump": (os.urandom(9 * MIB + 17), None),
    "empty": (b"", None),
    "objects/ä b": (b"abc", 3),
    "objects/none": (b"", 0),
    "objects/" + "long" * 60: (os.urandom(2 * MIB), 2 * MIB),
}


async def test_what_is_written_comes_back(repository: Repository, key: str) -> None:
    await write(repository, key, MEMBERS)

    assert await read(repository, key) == {name: content for name, (content, _size) in MEMBERS.items()}


async def test_what_was_not_read_is_checked_all_the_same(repository: Repository, key: str) -> None:
    await write(repository, key, MEMBERS)
    with repository.open(PATH) as file:
        source = HashingSource(file)
        async with read_archive(source, NAME, [key]):
            pass

    content = Path(repository.url, PATH).read_bytes()
    assert source.sha256 == __import__("hashlib").sha256(content).hexdigest()
    Path(repository.url, PATH).write_bytes(content[:-1])
    with repository.open(PATH) as file, pytest.raises(ArchiveDamaged, match="was changed or is cut"):
        async with read_archive(file, NAME, [key]):
            pass


async def test_it_opens_with_public_tools(repository: Repository, key: str, tmp_path: Path) -> None:
    await write(repository, key, MEMBERS)
    (tmp_path / "key").write_text(f"{key}\n")
    command = f"age -d -i key backups/{PATH} | zstd -d | tar xv"
    said = _run(command, tmp_path)
    parts = sorted((tmp_path / "streams/database.dump").iterdir())

    assert said.stdout.startswith("manifest.json\n")
    assert said.stdout.endswith("fingerprint.json\n")
    assert said.stderr == ""
    assert b"".join(each.read_bytes() for each in parts) == MEMBERS["database.dump"][0]
    assert (tmp_path / "items/objects/ä b").read_bytes() == b"abc"


def _damages() -> dict[str, Any]:
    return {
        "a flipped byte": lambda data: data[:3_000_000] + bytes([data[3_000_000] ^ 1]) + data[3_000_001:],
        "a flipped byte at the end": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        "the first half": lambda data: data[: len(data) // 2],
        "all but a byte": lambda data: data[:-1],
        "whole chunks of age alone": lambda data: data[: data.index(b"\n--- ") + 49 + 16 + 10 * 65_552],
        "something behind it": lambda data: data + b"x",
        "nothing": lambda data: b"",
        "zeros": lambda data: bytes(100_000),
    }


@pytest.mark.parametrize("damage", _damages())
async def test_damage_is_noticed(repository: Repository, key: str, damage: str) -> None:
    await write(repository, key, MEMBERS)
    file = Path(repository.url, PATH)
    file.write_bytes(_damages()[damage](file.read_bytes()))

    with pytest.raises(ArchiveDamaged, match=f"^reading backup {NAME}: "):
        await read(repository, key)


async def test_another_key_does_not_open_it(repository: Repository, key: str) -> None:
    await write(repository, key, MEMBERS)

    with pytest.raises(ArchiveDamaged, match="it was encrypted to another key"):
        await read(repository, new_identity())


async def test_the_manifest_is_read_without_the_rest(repository: Repository, key: str) -> None:
    await write(repository, key, MEMBERS)
    with repository.open(PATH) as file:
        assert await read_manifest(file, NAME, [key]) == manifest()
        assert file.tell() < 5 * MIB


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a//b", "", "a/./b", "a\0b"])
async def test_members_stay_below_their_directory(repository: Repository, key: str, name: str) -> None:
    with pytest.raises(BackupError, match="is not a plain relative path"):
        await write(repository, key, {name: (b"x", 1)})
    assert repository.backups() == ()


async def test_a_member_that_is_not_as_long_as_it_was_said_to_be_is_refused(repository: Repository, key: str) -> None:
    with pytest.raises(BackupError, match="has 2 bytes less than"):
        await write(repository, key, {"short": (b"abc", 5)})
    with pytest.raises(BackupError, match="has 1 bytes more than"):
        await write(repository, key, {"long": (b"abc", 2)})
    assert list(Path(repository.url).rglob("*.*")) == []


@pytest.mark.parametrize("finished", [True, False])
async def test_nothing_stays_of_an_archive_that_failed(repository: Repository, key: str, finished: bool) -> None:
    with pytest.raises(BackupError, match="did not write the end|out of order"):
        async with write_archive(repository, PATH, manifest(), [recipient_of(key)]) as writer:
            await writer.write("database.dump", chunks(os.urandom(5 * MIB)))
            if finished:
                await writer.finish(FOUND)
                raise BackupError("testing", "out of order")
    assert list(Path(repository.url).rglob("*.*")) == []


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="a small file system needs root")
async def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, key: str) -> None:
    (tmp_path / "small").mkdir()
    if _run(f"mount -t tmpfs -o size=2m tmpfs '{tmp_path}/small'", tmp_path).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        small = Repository(str(tmp_path / "small"))
        with pytest.raises(BackupError, match="No space left on device"):
            await write(small, key, MEMBERS)
        assert list((tmp_path / "small").rglob("*.*")) == []
    finally:
        _run(f"umount '{tmp_path}/small'", tmp_path)


async def test_listing_needs_nothing_but_the_repository(repository: Repository, key: str) -> None:
    later = NAME.replace("T03", "T04")
    await write(repository, key, {}, archive_path(later, "postgresql"))
    await write(repository, key, {})
    Path(repository.url, "shop-postgresql", ".x.partial").touch()
    Path(repository.url, "other").touch()

    assert [each.name for each in repository.backups()] == [NAME, later]
    assert [each.name for each in repository.backups("shop-postgresql")] == [NAME, later]
    assert repository.backups("another") == ()
    assert repository.backups()[0].created == NOW


def test_an_unknown_backup_is_told(repository: Repository) -> None:
    with pytest.raises(UnknownBackup, match="backup list"), repository.open(PATH):
        pass


def test_names_sort_by_time_and_are_read_back() -> None:
    name = new_backup_name("shop-postgresql", NOW)

    assert name.startswith("shop-postgresql/20261126T030000Z-")
    assert parse_path(archive_path(name, "s3-remote")) == (name, "s3-remote", NOW)
    assert parse_path(f"{name}.s3-remote.tar.zst") is None


async def test_backups_of_one_second_are_listed_as_they_were_made(repository: Repository, key: str) -> None:
    times = [NOW + timedelta(milliseconds=each) for each in (0, 1, 60, 400, 401, 999)]
    names = [new_backup_name("shop-postgresql", each) for each in times]
    for each in reversed(names):
        await write(repository, key, {}, archive_path(each, "postgresql"))

    assert [each.name for each in repository.backups("shop-postgresql")] == names
    assert new_backup_name("shop-postgresql", NOW) != names[0], "two of one moment have two names"


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("", "/srv/home-backups"),
        ("/srv/b", "/srv/b"),
        ("s3://bucket/x", "s3://bucket/x"),
        ("b", str(Path.cwd() / "b")),
    ],
)
def test_a_repository_is_where_it_is_wherever_a_command_runs(named: str, url: str) -> None:
    assert repository_url(Path("/srv/home"), {"ADDONKIT_BACKUPS": named}) == url
