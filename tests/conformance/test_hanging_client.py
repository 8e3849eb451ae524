"""A client that hangs ends its check, and a run of the kit that is killed leaves no server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from addonkit.testing import ConformanceClient
from addonkit.testing.conformance import calls
from addonkit.testing.conformance.calls import Calls

REAPER = "addonkit.testing.conformance.reaper"


class Sleepy(ConformanceClient):
    limit = 0.05

    def write(self, environ, key, value):
        pass

    def read(self, environ, key):
        time.sleep(5)


def read(client: ConformanceClient) -> str:
    with pytest.raises(pytest.fail.Exception) as caught:
        asyncio.run(Calls(client, [])("read", {}, "key"))
    return str(caught.value)


def test_a_client_that_hangs_is_named_and_after_three_times_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_hangs", [])
    client = Sleepy()

    first = [read(client) for _ in range(calls.MOST_HANGS)]
    last = read(client)

    assert all("ConformanceClient.read takes longer than 0.05 s" in each for each in first)
    assert "ConformanceClient.read is not called: " in last


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("number", "before"), [(signal.SIGTERM, ":"), (signal.SIGTERM, "trap '' INT"), (signal.SIGKILL, ":")]
)
def test_a_run_that_is_killed_leaves_no_server(tmp_path: Path, number: int, before: str, jobs: str) -> None:
    """Also one that a shell has put into the background, where it ignores Ctrl-C."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    kit = [sys.executable, "-m", "addonkit", "conformance", "valkey", "-j", jobs, "-k", "many_come or killed"]
    command = ["sh", "-c", f'{before}; exec "$@"', "sh", *kit]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        try:
            homes = wait_for_servers(run.pid)
            run.send_signal(number)
            run.wait(60)
        finally:
            run.kill()
    deadline = time.monotonic() + 60
    while any(home.exists() for home in homes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(home.exists() for home in homes)
    assert not working_in(homes)


def wait_for_servers(pid: int) -> set[Path]:
    """Folders for homes of the run in which servers work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = {str(pid), *(str(each.pid) for each in children(pid))}
        reapers = (each.info["cmdline"] or [] for each in psutil.process_iter(["cmdline"]))
        folders = {Path(words[-2]) for words in reapers if words[-3:-2] == [REAPER] and words[-1] in runs}
        if folders and working_in(folders):
            return folders
        time.sleep(0.1)
    raise AssertionError("no server came up")


def children(pid: int) -> list[psutil.Process]:
    try:
        return [each for each in psutil.Process(pid).children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]
    except psutil.Error:
        return []


def working_in(folders: set[Path]) -> list[int]:
    found = []
    for process in psutil.process_iter(["cwd"]):
        cwd = process.info["cwd"] or ""
        if any(cwd.startswith(f"{folder}/") for folder in folders):
            found.append(process.pid)
    return found
