"""Copies of a prepared cluster, judged by PostgreSQL's own tools."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addonkit.compute.process.programs import Programs
from addonkit.compute.process.user import chown, service_user, subprocess_credentials
from addonkit.testing.home import temporary_home
from addonkit_postgresql.checksums import crc32c, page_checksum
from addonkit_postgresql.cluster import UnknownFormat, adapt
from addonkit_postgresql.definition import PROGRAM
from addonkit_postgresql.scram import UNUSABLE
from addonkit_postgresql.session import Administrator
from system_postgresql import VERSION as OLD

WHEEL = "17"
VERSIONS = (
    "18",
    pytest.param(OLD, marks=pytest.mark.slow),
    pytest.param(
        WHEEL,
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(platform.machine() != "x86_64", reason="the wheel with 17 is for this machine only"),
        ],
    ),
)
CHECKSUMS = {"18": "--data-checksums", WHEEL: "--encoding=UTF8", OLD: "--encoding=UTF8"}  # older ones have none


class Tools:
    """A version of PostgreSQL and a directory to work in."""

    def __init__(self, version: str, home: Path) -> None:
        self.version = version
        self.user = service_user(os.environ)
        self.bin = Programs(home / "programs", os.environ, self.user).resolve(PROGRAM, version)
        self.home = home

    def run(self, program: str, *argv: str | Path, **options: Any) -> str:
        words = [str(self.bin / program), *map(str, argv)]
        done = subprocess.run(
            words, check=True, capture_output=True, text=True, cwd="/", **subprocess_credentials(self.user), **options
        )
        return done.stdout

    def directory(self, name: str) -> Path:
        made = self.home / name
        made.mkdir()
        chown(self.user, made)
        return made

    def control(self, cluster: Path) -> dict[str, str]:
        said = self.run("pg_controldata", cluster, env={"LC_ALL": "C"})
        return dict(re.findall(r"^(.+?):\s*(.*)$", said, re.MULTILINE))

    def sql(self, cluster: Path, statement: str) -> str:
        """What a server in single-user mode answers; it reads the WAL at its start."""
        return self.run("postgres", "--single", "-D", cluster, "postgres", input=statement)


@pytest.fixture(scope="module", params=VERSIONS)
def tools(request: pytest.FixtureRequest) -> Iterator[Tools]:
    with temporary_home() as home:
        yield Tools(request.param, home)


@pytest.fixture(scope="module")
def original(tools: Tools) -> Path:
    """A cluster as the template has it."""
    cluster = tools.directory("original")
    password = tools.home / "password"
    password.write_text(f"{UNUSABLE}\n")
    password.chmod(0o644)
    tools.run(
        "initdb", "-D", cluster, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync",
        CHECKSUMS[tools.version],
    )  # fmt: skip
    tools.run("pg_resetwal", "-D", cluster)
    return cluster


@pytest.fixture
def copy(tools: Tools, original: Path) -> Iterator[Path]:
    target = tools.home / "copy"
    subprocess.run(["cp", "-a", original, target], check=True)
    yield target
    shutil.rmtree(target)


def test_a_copy_has_an_identity_of_its_own(tools: Tools, original: Path, copy: Path) -> None:
    adapt(copy, {"password": "a-password-of-some-length"})
    before, after = tools.control(original), tools.control(copy)
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"Database system identifier", "Mock authentication nonce"}
    seconds = int(after["Database system identifier"]) >> 32
    assert abs(seconds - copy.joinpath("global/pg_control").stat().st_mtime) < 60, "it says when it was made"
    found = tools.sql(copy, "SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
    assert found.count("SCRAM-SHA-256$") == 1
    assert UNUSABLE not in found
    if after["Data page checksum version"] != "0":
        assert re.search(r"Bad checksums:\s*0\b", tools.run("pg_checksums", "--check", "-D", copy))
    assert tools.control(copy)["Database cluster state"] == "shut down"


def test_the_template_has_no_password_that_fits(tools: Tools, original: Path, copy: Path) -> None:
    assert UNUSABLE in tools.sql(copy, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'")


def _no_control(copy: Path) -> None:
    content = bytearray((copy / "global/pg_control").read_bytes())
    content[40] ^= 1
    (copy / "global/pg_control").write_bytes(content)


def _no_roles(copy: Path) -> None:
    (copy / "global/1260").write_bytes(bytes(8192))


def _damaged_roles(copy: Path) -> None:
    with (copy / "global/1260").open("r+b") as file:
        file.seek(8)
        file.write(b"\x01\x01")  # the checksum of the page


def _no_wal(copy: Path) -> None:
    for path in (copy / "pg_wal").glob("0*"):
        path.unlink()


def _foreign_wal(copy: Path) -> None:
    with next((copy / "pg_wal").glob("0*")).open("r+b") as file:
        file.seek(24)
        file.write(b"another!")


@pytest.mark.parametrize("damage", [_no_control, _no_roles, _damaged_roles, _no_wal, _foreign_wal])
def test_what_is_not_understood_is_refused(copy: Path, damage: Any) -> None:
    damage(copy)
    with pytest.raises(UnknownFormat):
        adapt(copy, {"password": "a-password-of-some-length"})


def test_a_cluster_that_was_not_shut_down_is_refused(tools: Tools, copy: Path) -> None:
    control = copy / "global/pg_control"
    content = bytearray(control.read_bytes())
    content[16] = 6  # in production
    end = next(
        n
        for n in range(200, 512, 4)
        if crc32c(control.read_bytes()[:n]) == int.from_bytes(content[n : n + 4], "little")
    )
    content[end : end + 4] = crc32c(bytes(content[:end])).to_bytes(4, "little")
    control.write_bytes(content)
    assert tools.control(copy)["Database cluster state"] == "in production"
    with pytest.raises(UnknownFormat, match="shut down"):
        adapt(copy, {"password": "a-password-of-some-length"})


def test_checksums_are_those_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert page_checksum(bytes(8192), 0) == page_checksum(bytes(8) + b"xx" + bytes(8182), 0)
    assert page_checksum(bytes(8192), 0) != page_checksum(bytes(8192), 1)


async def test_servers_of_the_addon_are_told_apart(server: Administrator) -> None:
    async with server.session() as connection:
        row = await connection.fetchrow("SELECT system_identifier FROM pg_control_system()")
        verifiers = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
    assert row["system_identifier"] > 1 << 60
    assert UNUSABLE not in {each["rolpassword"] for each in verifiers}
