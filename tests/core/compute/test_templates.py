"""Disks that are prepared once and copied, with a server written for the tests."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addonkit.compute.process.backend import ProcessBackend
from addonkit.compute.process.templates import SETTING, Templates
from addonkit.errors import InvalidInput
from addonkit.models.compute import DiskTemplate, File
from addonkit.models.secret import Secret
from addonkit.util.file_trees import fingerprint

PREPARE = (("greet-prepare", "{disk}"),)

SCRIPT = """#!/bin/sh -eu
echo made >> "$(dirname "$0")/made"
mkdir "$1/sub"
echo common > "$1/sub/common"
: > "$1/empty"
truncate -s 3M "$1/holes"
printf end >> "$1/holes"
"""


def adapt(disk: Path, values: dict[str, str]) -> None:
    """Make a copy one server's own."""
    (disk / "own").write_text(values["word"])


def fail(disk: Path, values: dict[str, str]) -> None:
    """Leave something half done."""
    (disk / "own").write_text("half")
    raise ValueError(f"cannot use {values['word']}")


@pytest.fixture
def template(bench: Any, monkeypatch: pytest.MonkeyPatch) -> DiskTemplate:
    script = bench.bin / "greet-prepare"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    counted = bench.bin / "made"  # the script counts there how often it runs, as the user of any server
    counted.touch()
    counted.chmod(0o666)
    monkeypatch.setitem(sys.modules, "greeter_addon", sys.modules[__name__])
    return DiskTemplate(PREPARE, adapt="greeter_addon:adapt", values={"word": Secret("mine")})


def made(bench: Any) -> int:
    return len((bench.bin / "made").read_text().split())


def data(bench: Any, name: str) -> Path:
    found: Path = bench.home / "disks" / name / "data"
    return found


async def start(bench: Any, name: str, template: DiskTemplate, backend: Any = None, **changes: Any) -> None:
    pool = await bench.start(bench.pool(name, template=template, **changes), *([backend] if backend else []))
    await bench.ready(pool)


async def test_a_template_is_made_once_and_each_copy_is_adapted(bench: Any, template: DiskTemplate) -> None:
    await asyncio.gather(*(start(bench, f"one{n}", template) for n in range(3)))
    assert made(bench) == 1
    for number in range(3):
        disk = data(bench, f"one{number}")
        assert (disk / "own").read_text() == "mine"
        assert (disk / "sub/common").read_text() == "common\n"
        assert (disk / "holes").read_bytes() == bytes(3 << 20) + b"end"
        assert (disk / "empty").stat().st_size == 0
        owners = {path.stat().st_uid for path in (disk, *disk.rglob("*"))}
        assert owners == {disk.stat().st_uid}, "all of a disk is its server's"
    kept = next((bench.home / "templates").glob("*/data"))
    assert not (kept / "own").exists(), "a template holds nothing of one server"
    assert kept.stat().st_uid == os.geteuid()
    assert not list((bench.home / "templates").glob(".*")), "nothing half made stays"


def _truncate(kept: Path) -> None:
    os.truncate(kept / "sub/common", 2)


def _flip(kept: Path) -> None:
    file = kept / "sub/common"
    times = file.stat()
    file.write_bytes(b"CoMMon\n")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def _remove(kept: Path) -> None:
    (kept / "empty").unlink()


def _add(kept: Path) -> None:
    (kept / "sub/more").touch()


def _link(kept: Path) -> None:
    (kept / "empty").unlink()
    (kept / "empty").symlink_to("/etc/passwd")


def _unseal(kept: Path) -> None:
    kept.with_name("seal").unlink()


def _reseal(kept: Path) -> None:
    kept.with_name("seal").write_text("another")


def _remove_data(kept: Path) -> None:
    shutil.rmtree(kept)


@pytest.mark.parametrize("damage", [_truncate, _flip, _remove, _add, _link, _unseal, _reseal, _remove_data])
async def test_a_damaged_template_is_made_anew(
    bench: Any, template: DiskTemplate, damage: Callable[[Path], None]
) -> None:
    await start(bench, "first", template)
    damage(next((bench.home / "templates").glob("*/data")))
    await start(bench, "second", template)
    assert made(bench) == 2
    assert (data(bench, "second") / "sub/common").read_text() == "common\n"
    assert (data(bench, "second") / "empty").is_file()
    assert not (data(bench, "second") / "empty").is_symlink()
    await start(bench, "third", template)
    assert made(bench) == 2, "what was made anew is whole"


@pytest.mark.parametrize("adapting", ["greeter_addon:fail", "greeter_addon:missing", "no_such_module:adapt"])
async def test_a_template_that_fails_leaves_the_disk_to_the_usual_commands(
    bench: Any, template: DiskTemplate, adapting: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = DiskTemplate(template.prepare, adapt=adapting, values=template.values)
    await start(bench, "greeter", broken, prepare=PREPARE)
    assert made(bench) == 2, "once for the template, once for the disk"
    assert not (data(bench, "greeter") / "own").exists()
    assert "prepared without a template" in caplog.text
    assert "mine" not in caplog.text or adapting != "greeter_addon:missing"


async def test_a_template_that_cannot_be_made_leaves_nothing(bench: Any, template: DiskTemplate) -> None:
    broken = DiskTemplate((*template.prepare, ("greet-missing",)), adapt=template.adapt, values=template.values)
    await start(bench, "greeter", broken)
    assert not list((bench.home / "templates").glob("*/data"))
    assert not list((bench.home / "templates").glob(".*"))


async def test_other_settings_are_another_template(bench: Any, template: DiskTemplate) -> None:
    await start(bench, "first", template)
    await start(
        bench, "second", DiskTemplate(template.prepare, (File("{run}/word", "w"),), template.adapt, template.values)
    )
    await start(bench, "third", template, env={"GREETING": "other"})
    os.utime(bench.bin / "greet", ns=(1, 1))  # another build of the program
    await start(bench, "fourth", template)
    assert made(bench) == 4
    assert len(list((bench.home / "templates").glob("*/data"))) == 4


async def test_a_template_of_a_killed_maker_is_made_anew(bench: Any, template: DiskTemplate) -> None:
    await start(bench, "first", template)
    kept = next((bench.home / "templates").glob("*/data")).parent
    kept.rename(kept.with_name(f".{kept.name}-0badcafe"))  # as it is before it is complete
    await start(bench, "second", template)
    assert made(bench) == 2
    assert not list((bench.home / "templates").glob(".*"))


def test_unused_templates_make_room(tmp_path: Path) -> None:
    templates = Templates(tmp_path / "templates")
    for key in ("a", "b"):
        templates.lock(key)
        draft = templates.draft(key, None)
        (draft / "file").write_text(key)
        templates.keep(key, draft)
        if key == "a":
            os.utime(tmp_path / "templates/a/seal", (1, 1))
    assert not templates.data("a").exists()
    assert templates.data("b").exists()


def test_a_fingerprint_tells_of_what_happens_to_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    (tmp_path / "file").chmod(0o600)
    assert fingerprint(tmp_path) != before
    subprocess.run(["mkfifo", tmp_path / "pipe"], check=True)
    with pytest.raises(OSError, match="neither a file nor a directory"):
        fingerprint(tmp_path)


async def test_homes_share_templates_where_they_are_told_to(bench: Any, template: DiskTemplate) -> None:
    shared = bench.home / "shared"
    shared.mkdir(mode=0o711)
    environ = {"ADDONKIT_PROGRAMS": str(bench.bin), SETTING: str(shared)}
    for name in ("one", "two"):
        shutil.rmtree(bench.home / "templates", ignore_errors=True)
        bench.backend = ProcessBackend(bench.home, environ=environ)
        bench.others.append(bench.backend)
        await start(bench, name, template)
    assert made(bench) == 1
    assert len(list(shared.glob("*/data"))) == 1
    shared.chmod(0o777)
    with pytest.raises(InvalidInput, match="other users can write it"):
        ProcessBackend(bench.home, environ=environ)
    with pytest.raises(InvalidInput, match="make the directory first"):
        ProcessBackend(bench.home, environ={SETTING: str(shared / "missing")})
