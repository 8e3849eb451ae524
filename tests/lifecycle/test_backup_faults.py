"""What goes wrong around a backup, in the whole command: it is told in a line, and nothing that existed is lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from addonkit.controller.backups.sagas import BackupSagas
from addonkit.saga.saga import Saga
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind
from addonkit.testing.serving import free_port

_CLIENT = "import os, valkey; client = valkey.from_url(os.environ['VALKEY_URL']); prefix = os.environ.get('VALKEY_PREFIX', '')\n"
FILL = f"{_CLIENT}for n in range({{count}}): client.set(f'{{{{prefix}}}}{{{{n}}}}', os.urandom(1 << 20))"
COUNT = f"{_CLIENT}print(sum(client.exists(f'{{prefix}}{{n}}') for n in range(50)))"


def fill(command: CommandLine, mib: int) -> None:
    ended = command("run", "-a", "shop", "--", sys.executable, "-c", FILL.format(count=mib))
    assert ended.status == 0, ended.err


def keys(command: CommandLine, app: str = "shop") -> str:
    return command("run", "-a", app, "--", sys.executable, "-c", COUNT).out.strip()


class Service:
    """An S3 service that can be stopped, ended, and started again."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._argv = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{self.port}"]
        self._argv += ["--auth-key", "key,secret", "--config", os.devnull, str(directory)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL)
        time.sleep(0.5)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._process.wait()

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            "ADDONKIT_BACKUPS": "s3://backups/of-shop",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "backups").mkdir()
    made = Service(tmp_path)
    made.start()
    yield made
    made.send(signal.SIGCONT)
    made.send(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_repository_that_is_away_for_a_while_costs_time_and_one_that_is_gone_is_named(
    home: Path, service: Service
) -> None:
    run = CommandLine(home, dict(service.environ))
    assert run("create", "valkey:small", "-a", "shop").status == 0
    fill(run, 8)
    first = run("backup", "create", "shop-valkey")
    assert first.status == 0, first.err

    service.send(signal.SIGSTOP)
    waiting = run.start("backup", "create", "shop-valkey")
    time.sleep(4)
    service.send(signal.SIGCONT)
    out, err = waiting.communicate(timeout=100)
    assert waiting.returncode == 0, err
    assert "verified" in out

    service.send(signal.SIGKILL)
    waiting = run.start("backup", "create", "shop-valkey")
    time.sleep(4)
    service.start()
    out, err = waiting.communicate(timeout=100)
    assert waiting.returncode == 0, err

    service.send(signal.SIGKILL)
    gone = run.start("backup", "create", "shop-valkey")
    out, err = gone.communicate(timeout=150)
    assert (gone.returncode, out) == (1, "")
    (told,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "Could not connect to the endpoint URL" in told
    assert keys(run) == "8"
    assert "its last backup failed" in " ".join(run("list").out.split())
    service.start()
    again = run("backup", "create", "shop-valkey")
    assert again.status == 0, again.err
    assert run("saga", "list", "--unfinished", "--json").data["executions"] == []
    assert "its last backup" not in run("list").out
    found = run("backup", "list", "--json").data["backups"]
    assert [each["verified"] is not None for each in found] == [True] * 4
    assert run("destroy", "shop-valkey", "--yes").status == 0


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
@pytest.mark.parametrize("small_disk", ["24m"], indirect=True)
def test_a_repository_without_space_in_the_middle_of_a_backup_is_told_and_holds_no_half(
    home: Path, small_disk: Path
) -> None:
    run = CommandLine(home / "state", {"ADDONKIT_BACKUPS": str(small_disk / "backups"), "ADDONKIT_TRASH": "7d"})
    assert run("create", "valkey:small", "-a", "shop").status == 0
    fill(run, 4)
    good = run("backup", "create", "shop-valkey")
    assert good.status == 0, good.err
    fill(run, 40)

    failed = run("backup", "create", "shop-valkey")
    assert failed.status == 1
    assert "No space left on device" in failed.err
    stopped = run("destroy", "shop-valkey", "--yes")
    assert stopped.status == 1
    assert re.search(r"its final backup failed: .*No space left on device; .*--now", stopped.err)

    assert keys(run) == "40"
    assert [each.suffixes for each in small_disk.rglob("*.age")] == [[".valkey", ".tar", ".zst", ".age"]]
    assert not [each for each in small_disk.rglob("*") if "partial" in each.name]
    assert len(run("backup", "list", "--json").data["backups"]) == 1
    assert run("backup", "verify", "--all").status == 0
    assert "its last backup failed" in " ".join(run("list").out.split()), (
        "that an older one is right says nothing of it"
    )
    assert run("destroy", "shop-valkey", "--yes", "--now").status == 0


ROWS = "CREATE TABLE orders AS SELECT n, repeat(md5(n::text), 30) AS text FROM generate_series(1, 200000) n"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
@pytest.mark.parametrize("small_disk", ["1000m"], indirect=True)
def test_without_space_in_the_middle_of_what_brings_data_in_nothing_is_lost_and_the_disk_is_free_again(
    home: Path, small_disk: Path, tmp_path: Path
) -> None:
    """The disk has room for the data once; backups are elsewhere."""
    run = CommandLine(small_disk / "state", {"ADDONKIT_BACKUPS": str(tmp_path / "backups")})
    assert run("create", "postgresql:shared", "-a", "shop").status == 0
    assert run("create", "postgresql:shared", "-a", "blog").status == 0

    def query(statement: str) -> str:
        ended = run("run", "-a", "shop", "--", "psql", "-XAtqc", statement)
        assert ended.status == 0, ended.err
        return ended.out.strip()

    query(ROWS)
    dump = tmp_path / "shop.sql"
    assert run("run", "-a", "shop", "--", "pg_dump", "-f", str(dump)).status == 0
    made = run("backup", "create", "shop-postgresql", "--no-verify")
    assert made.status == 0, made.err
    filler = small_disk / "filler"
    for words in (
        ("restore", "shop-postgresql"),
        ("import", "blog-postgresql", "--from", str(dump)),
    ):
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 75 * 1024 * 1024))
        failed = run.start(*words)
        out, err = failed.communicate(timeout=200)
        assert failed.returncode == 1, (words, out)
        assert re.search("No space left on device|no space is left on its disk", err), (words, err)
        filler.unlink()
        assert query("SELECT count(*) FROM orders") == "200000", words
    run("doctor", "--fix")
    assert {each["purpose"] for each in run("list", "--json").data["instances"]} == {"serve"}
    assert run("restore", "shop-postgresql").status == 0
    assert query("SELECT count(*) FROM orders") == "200000"
    assert run("import", "blog-postgresql", "--from", str(dump)).status == 0
    assert run("saga", "list", "--unfinished", "--json").data["executions"] == []


def _points() -> list[Any]:
    made = BackupSagas(*[None] * 6)  # type: ignore[list-item] # only the names of the steps are read
    commands: dict[str, Saga[Any]] = {
        "export shop-valkey -o FILE.tar.zst.age": made.export,
        "import trial-valkey --from GIVEN.tar.zst.age": made.imported,
        "clone shop-valkey -a copy": made.clone,
    }
    points = [
        (command, f"{when}:{step}")
        for command, saga in commands.items()
        for step in saga.step_names
        for when in ("before", "after")
    ]
    quick = ("clone shop-valkey -a copy", "after:copy_data")
    return [pytest.param(*each, marks=[] if each == quick else [pytest.mark.slow]) for each in points]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "point"), _points())
def test_killed_at_any_step_of_a_move_the_same_command_again_does_it(
    home: Path, tmp_path: Path, command: str, point: str
) -> None:
    run = CommandLine(home, {"ADDONKIT_BACKUPS": str(tmp_path / "backups")})
    words = command.replace("FILE", str(tmp_path / "file")).replace("GIVEN", str(tmp_path / "given")).split()
    for app in ("shop", "trial"):
        assert run("create", "valkey:shared", "-a", app).status == 0
    fill(run, 2)
    assert run("export", "shop-valkey", "-o", str(tmp_path / "given.tar.zst.age")).status == 0

    killed = run(*words, ADDONKIT_FAULT=f"{point}=kill")
    assert killed.status == -signal.SIGKILL, f"{point} was not reached: {killed.err}"
    assert keys(run) == "2", "what there was stays"

    fixed = run("doctor", "--fix")
    assert run("saga", "list", "--unfinished", "--json").data["executions"] == [], fixed.out + fixed.err
    instances = run("list", "--json").data["instances"]
    assert {each["purpose"] for each in instances} <= {"serve", "former"}
    done = point in {"after:switch_places", "after:publish_place"}
    again = run(*words)
    if done:
        assert again.status == 1, "it is there already"
    else:
        assert again.status == 0, again.err
    assert not list(tmp_path.rglob("*.partial"))
    if words[0] == "clone":
        assert keys(run, "copy") == "2"
    if words[0] == "import":
        assert keys(run, "trial") == "2"
    for app in {each["app"] for each in run("list", "--json").data["instances"]}:
        assert run("destroy", "--app", app, "--yes").status == 0
    assert left_behind(home) == ()
