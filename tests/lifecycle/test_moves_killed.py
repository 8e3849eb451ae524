"""`clone`, `export` and `import` killed before and after every step: the original is whole, and nothing half stays."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from addonkit.controller.backups.sagas import BackupSagas
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind

QUICK = "clone after:compare_copy"


def points() -> list[Any]:
    made = BackupSagas(*[None] * 6)  # type: ignore[list-item] # only the names of the steps are read
    found = [
        f"{command} {when}:{step}"
        for command, saga in (("clone", made.clone), ("export", made.export), ("import", made.imported))
        for step in saga.step_names
        for when in ("before", "after")
    ]
    return [pytest.param(each, marks=[] if each == QUICK else [pytest.mark.slow]) for each in found]


def test_the_quick_point_is_one() -> None:
    assert any(each.values[0] == QUICK for each in points()), [each.values[0] for each in points()]


@pytest.mark.parametrize("point", points())
def test_killed_at_any_step_the_original_is_whole_and_the_same_command_succeeds(
    addonkit_command: CommandLine, home: Path, tmp_path: Path, point: str
) -> None:
    command, _, fault = point.partition(" ")

    def psql(app: str, query: str) -> str:
        ended = addonkit_command("run", "-a", app, "--", "psql", "-XAtc", query)
        assert ended.status == 0, ended.err
        return str(ended.out.strip())

    assert addonkit_command("create", "postgresql:shared", "-a", "shop").status == 0
    psql("shop", "CREATE TABLE orders AS SELECT 1 AS id")
    file = tmp_path / "orders.tar.zst.age"
    words = {
        "clone": ("clone", "shop-postgresql", "-a", "copy"),
        "export": ("export", "shop-postgresql", "-o", str(file)),
        "import": ("import", "copy-postgresql", "--from", str(file)),
    }
    if command == "import":
        assert addonkit_command(*words["export"]).status == 0
        assert addonkit_command("create", "postgresql:shared", "-a", "copy").status == 0

    killed = addonkit_command(*words[command], ADDONKIT_FAULT=f"{fault}=kill")
    assert killed.status == -signal.SIGKILL, killed.err

    assert psql("shop", "SELECT count(*) FROM orders") == "1"
    fixed = addonkit_command("doctor", "--fix", "--yes")
    assert addonkit_command("saga", "list", "--unfinished", "--json").data["executions"] == [], fixed.out + fixed.err
    instances = addonkit_command("list", "--json").data["instances"]
    assert {each["purpose"] for each in instances} <= {"serve", "former"}, "no half copy stays"
    again = addonkit_command(*words[command])
    assert (
        again.status == 0
        or file.exists()
        or "already" in again.err
        or "has that name" in again.err
        or "holds" in again.err
    ), again.err
    if command != "export":
        assert psql("copy", "SELECT count(*) FROM orders") == "1"
    assert [each.name for each in tmp_path.iterdir()] in ([], [file.name])
    for app in ("shop", "copy")[: 1 if command == "export" else 2]:
        assert addonkit_command("destroy", "--app", app, "--yes").status == 0
    assert left_behind(home) == ()
