"""Data of another origin: files are read as far as the addon wants, and closed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from addonkit import ArchiveManifest
from addonkit.archive.foreign import Foreign

MANIFEST = ArchiveManifest(
    "x", datetime(2026, 11, 26, tzinfo=UTC), "shop-postgresql", "i1", "shop", "postgresql", "small"
)


async def test_a_file_that_is_not_read_to_its_end_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "plain.sql"
    file.write_bytes(b"x" * 1_000_000)

    async with Foreign(file, MANIFEST).reading() as reader:
        (member,) = [each async for each in reader.members()]
        content = member.content()
        assert (await anext(content)).startswith(b"x")

        assert _open(file)
    assert not _open(file), "although the addon has not closed what it read"


def _open(file: Path) -> bool:
    return any(each.readlink() == file for each in Path("/proc/self/fd").iterdir() if each.is_symlink())
