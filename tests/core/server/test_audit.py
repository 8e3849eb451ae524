"""The audit log keeps what it was given, and does not grow for ever."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from addonkit.server.audit import KEPT, AuditLog, Entry

LARGEST = 20_000


def entry(number: int, who: str = "uid 0") -> Entry:
    return Entry(datetime.now(UTC), who, "unix", "POST", f"/v1/{number}", 202, "r")


def written(home: Path, first: int) -> None:
    log = AuditLog(home, LARGEST)
    for number in range(first, first + 200):
        log.write(entry(number))


def paths(home: Path, name: str) -> list[Path]:
    return [path for path in home.iterdir() if path.name.startswith(name)]


def test_those_who_write_and_rotate_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda first: written(tmp_path, first), (0, 200, 400)))
    files = paths(tmp_path, "audit.log")
    assert 3 < len(files) <= KEPT + 1
    found = [json.loads(line)["path"] for path in files for line in path.read_text().splitlines()]
    assert sorted(found) == sorted(f"/v1/{number}" for number in range(600))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_it_is_bounded_and_clients_that_are_not_known_push_nothing_out(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, 1000)
    log.write(entry(1))
    for number in range(200):
        log.write(entry(number, who=""))
    assert [path.name for path in paths(tmp_path, "audit.log")] == ["audit.log"]
    assert len(paths(tmp_path, "audit-refused.log")) == KEPT + 1
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1300 * (KEPT + 2)
