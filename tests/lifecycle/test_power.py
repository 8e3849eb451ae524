"""Servers that are stopped stay stopped, those that are started or restarted serve; others are not touched."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

import addonkit
from addonkit.compute.process.identity import session_members
from addonkit.compute.process.open_files import working_in
from addonkit.compute.process.programs import Programs
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind, server_processes, temporary_home
from addonkit_valkey.addon import ADDON


def states(command: CommandLine) -> dict[str, str]:
    return {each["name"]: each["server"]["state"] for each in command("list", "--json").data["instances"]}


def pid_of(home: Path, server: str) -> int:
    return int(json.loads((home / f"pools/{server}/record").read_text())["pid"])


def test_a_server_that_was_stopped_stays_stopped_until_it_is_started(addonkit_command: CommandLine, home: Path) -> None:
    assert addonkit_command("create", "valkey", "-a", "shop").status == 0

    stopped = addonkit_command("stop", "shop-valkey")
    assert (stopped.status, stopped.out) == (0, "shop-valkey: stopped\n"), stopped.err
    assert states(addonkit_command) == {"shop-valkey": "stopped"}, "looking starts nothing"
    assert addonkit_command("doctor").status == 0, "it is as it should be"
    refused = addonkit_command("run", "-a", "shop", "--", "true")
    assert refused.status == 1
    assert "run `addonkit start shop-valkey`" in refused.err
    assert server_processes(home) == ()
    started = addonkit_command("start", "valkey", "-a", "shop")

    assert started.status == 0, started.err
    assert states(addonkit_command) == {"shop-valkey": "running"}
    assert addonkit_command("run", "-a", "shop", "--", "true").status == 0
    assert addonkit_command("stop", "--all").status == 0
    assert addonkit_command("destroy", "shop-valkey", "--yes").status == 0, "a stopped one can be destroyed"
    assert left_behind(home) == ()


def test_others_on_a_server_are_named_before_it_is_stopped(addonkit_command: CommandLine) -> None:
    for app in ("blog", "wiki"):
        assert addonkit_command("create", "valkey:shared", "-a", app).status == 0

    refused = addonkit_command("restart", "blog-valkey")
    assert refused.status == 1
    assert "add --yes" in refused.err
    nothing = addonkit_command("stop")
    assert nothing.status == 2
    assert "name an instance, or use -a APP or --all" in nothing.err
    assert addonkit_command("stop", "blog-valkey", "--yes").out == "blog-valkey, wiki-valkey: stopped\n"


def test_leaving_a_shared_server_that_was_stopped_leaves_it_stopped(addonkit_command: CommandLine) -> None:
    for app in ("blog", "wiki"):
        assert addonkit_command("create", "valkey:shared", "-a", app).status == 0
    assert addonkit_command("stop", "--all").status == 0

    gone = addonkit_command("destroy", "blog-valkey", "--yes")

    assert gone.status == 0, gone.err
    assert states(addonkit_command) == {"wiki-valkey": "stopped"}
    assert addonkit_command("start", "--all").status == 0
    assert addonkit_command("doctor").status == 0, "the tenant that left is gone from the server"


@pytest.mark.all_day("stop-valkey:small", "restart-postgresql:small")
@pytest.mark.parametrize("spec", ["valkey:small", "postgresql:small"])
@pytest.mark.parametrize("verb", ["stop", "restart"])
async def test_a_server_that_hangs_is_stopped_or_restarted(
    addonkit_command: CommandLine, home: Path, spec: str, verb: str
) -> None:
    assert addonkit_command("create", spec, "-a", "shop").status == 0
    (pid,) = server_processes(home)
    for each in {*session_members(pid), *working_in(home / "disks", None)}:
        os.kill(each, signal.SIGSTOP)
    name = f"shop-{spec.partition(':')[0]}"

    ended = addonkit_command(verb, name)

    assert ended.status == 0, ended.err
    assert states(addonkit_command) == {name: "running" if verb == "restart" else "stopped"}
    assert pid not in server_processes(home)


async def test_a_restart_that_is_interrupted_leaves_a_server_that_should_run(
    kit: addonkit.Kit, addonkit_command: CommandLine, home: Path
) -> None:
    binding = await kit.create("valkey", app="shop")
    before = pid_of(home, binding.instance.server)
    os.kill(before, signal.SIGSTOP)  # so that the restart takes its time
    restarting = await asyncio.create_subprocess_exec(
        *addonkit_command.program, "restart", "shop-valkey", env=addonkit_command.environment()
    )
    while (home / f"locks/{binding.instance.server}").stat().st_size == 0 and restarting.returncode is None:
        await asyncio.sleep(0.05)
        if before not in server_processes(home) or _locked(home / f"locks/{binding.instance.server}"):
            break
    restarting.kill()
    await restarting.wait()
    os.kill(before, signal.SIGKILL)

    await kit.heal()

    assert (await kit.show("shop-valkey")).server_state == "running"


def _locked(path: Path) -> bool:
    import fcntl

    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_an_upgrade_is_told_and_taken_by_a_restart(home: Path) -> None:
    with temporary_home() as folder:
        installed = folder / "valkey"
        _install(installed)
        command = CommandLine(home, {"ADDONKIT_PROGRAMS": str(installed)})
        assert command("create", "valkey:small", "-a", "shop").status == 0
        assert command("doctor").status == 0
        _install(installed)

        (listed,) = command("list", "--json").data["instances"]
        assert listed["server"]["newer"].startswith(listed["version"])
        assert "runs an older program than is installed" in " ".join(command("list").out.split())
        (finding,) = command("doctor", "--json").data["findings"]
        assert (finding["kind"], finding["subject"]) == ("server-outdated", "shop-valkey")
        assert command("restart", "shop-valkey").status == 0

        assert "older program" not in command("list").out
        assert command("doctor").status == 0


def _install(folder: Path) -> None:
    """Put a new file of the server's program there, as an upgrade does."""
    source = ADDON.definition.program
    assert source is not None
    found = Programs(folder.parent / "copies", os.environ, None).find(source)
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in {each for names in source.executables for each in names.split("|")}:
        original = Path(found[0].directory) / name
        if original.exists():
            (folder / f"{name}.new").write_bytes(original.read_bytes())
            (folder / f"{name}.new").chmod(0o755)
            (folder / f"{name}.new").replace(folder / name)
