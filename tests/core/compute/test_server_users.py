"""Where root runs addonkit, each server has a user of its own, and none reads what another one keeps."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.compute.process import server_users
from addonkit.compute.process.backend import ProcessBackend
from addonkit.compute.process.server_users import ServerUsers, has_users, uid_range
from addonkit.compute.process.user import ServiceUser, hand_over
from addonkit.errors import ComputeError, InvalidInput, PoolCrashed
from addonkit.models.compute import File, SharedUser
from addonkit.util.procfs import read_status

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="servers of a normal user run as that user")
NOBODY = pwd.getpwnam("nobody")


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def reads(uid: int, path: Path) -> bool:
    """Whether a user can read a file, or list a directory."""
    argv = [
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        "ls" if path.is_dir() else "cat",
        str(path),
    ]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


async def kill(bench: Any, pool: Any) -> None:
    state = await bench.ready(pool)
    os.kill(state.pid, signal.SIGKILL)
    while (status := read_status(state.pid)) is not None and not status.ended:
        await asyncio.sleep(0.01)


@only_root
async def test_each_server_has_a_user_of_its_own_for_life(bench: Any, home: Path) -> None:
    secret = File("{run}/secret", "password")
    pools = [await bench.start(bench.pool(name, files=(secret,))) for name in ("one", "two")]
    one, two = [(await bench.ready(pool)).pid for pool in pools]

    assert uid_of(one) != uid_of(two)
    assert {uid_of(one), uid_of(two)} <= set(uid_range({}))
    for kept in ("disks/two/data", "pools/two/run", "pools/two/run/secret"):
        assert not reads(uid_of(one), home / kept)
        assert reads(uid_of(two), home / kept)
    before = uid_of(one)
    await kill(bench, pools[0])
    assert uid_of((await bench.another().ensure_running(pools[0])).pid) == before
    for name in ("one", "two"):
        await bench.backend.remove(name)
        await bench.backend.delete_disk(name)
    assert list((home / "uids").iterdir()) == [], "the uids are free again"


@only_root
async def test_a_server_without_a_disk_has_one_too(bench: Any, home: Path) -> None:
    pool = bench.pool()
    pool = await bench.start(attrs.evolve(pool, spec=attrs.evolve(pool.spec, volumes=())))

    assert uid_of((await bench.ready(pool)).pid) in uid_range({})
    await bench.backend.remove(pool.name)
    assert list((home / "uids").iterdir()) == []


@only_root
async def test_a_disk_of_a_former_version_gets_a_user_of_its_own_at_its_next_start(bench: Any, home: Path) -> None:
    former = ProcessBackend(home, environ={"ADDONKIT_PROGRAMS": str(bench.bin), "ADDONKIT_SERVICE_USER": "nobody"})
    made = attrs.evolve(bench, backend=former)
    pool = await made.start(bench.pool(files=(File("{run}/secret", "password"),)))
    state = await made.ready(pool)
    assert uid_of(state.pid) == NOBODY.pw_uid
    assert state.shared_user == SharedUser("nobody", "unset ADDONKIT_SERVICE_USER")
    assert (await bench.ready(pool)).shared_user == SharedUser("nobody"), "a restart ends it"
    (home / "disks/greeter/data/inner").mkdir()
    for name in ("kept", "inner/kept"):
        (home / "disks/greeter/data" / name).write_text("data")
    for each in (home / "disks/greeter/data").rglob("*"):
        os.chown(each, NOBODY.pw_uid, NOBODY.pw_gid)
    await kill(bench, pool)

    state = await bench.backend.ensure_running(pool)

    assert (await bench.ready(pool)).ready
    assert uid_of(state.pid) in uid_range({})
    owners = {
        each.stat().st_uid
        for place in ("disks/greeter/data", "pools/greeter/run")
        for each in (home / place).rglob("*")
    }
    assert owners == {uid_of(state.pid)}
    assert (await bench.ready(pool)).shared_user is None
    await former.close()


@only_root
@pytest.mark.parametrize("needs", ["", "prepare", "always"])
async def test_what_needs_a_name_runs_as_a_user_that_has_one(bench: Any, home: Path, needs: str) -> None:
    bench.tool("prep", 'id -un >"$1/who" 2>/dev/null || exit 3; mkdir "$1/inner"; cp "$2" "$1/inner"')
    pool = bench.prepared("{disk}", "{run}/password", prepare_files=(File("{run}/password", "x"),), named_user=needs)

    if not needs:
        with pytest.raises(PoolCrashed, match="has no passwd entry.*`named_user` of its Program"):
            await bench.start(pool)
        return
    state = await bench.ready(await bench.start(pool))

    data = home / "disks/greeter/data"
    assert (data / "who").read_text() == "nobody\n"
    expected = {NOBODY.pw_uid} if needs == "always" else set(uid_range({}))
    assert {uid_of(state.pid), data.stat().st_uid, (data / "inner/password").stat().st_uid} <= expected
    assert not (home / "pools/greeter/run/password").exists()


@only_root
def test_a_tree_is_given_without_what_belongs_to_others(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / "deep").mkdir(parents=True)
    outside.write_text("root's")
    for name in ("file", "deep/file"):
        (tree / name).write_text("data")
    for each in (tree, *tree.rglob("*")):
        os.chown(each, 901, 901)
    (tree / "link").symlink_to(outside)
    os.link(outside, tree / "hard")
    os.mkfifo(tree / "pipe")

    for _ in range(2):
        hand_over(tree, ServiceUser("902", 902, 902))

    assert outside.stat().st_uid == 0
    assert {each.stat().st_uid for each in (tree, tree / "deep", tree / "file", tree / "deep/file")} == {902}


@only_root
def test_uids_are_chosen_among_those_that_are_free(tmp_path: Path) -> None:
    users = ServerUsers(tmp_path / "uids", {"ADDONKIT_SERVICE_UIDS": "955000-955001"})
    chosen = [users.choose(name, tmp_path / "no-data") for name in ("one", "two", "one")]

    assert {each.uid for each in chosen if each} == {955000, 955001}
    assert chosen[0] == chosen[2] == users.find("one", tmp_path / "no-data")
    with pytest.raises(ComputeError, match="all uids of 955000-955001 are taken"):
        users.choose("three", tmp_path / "no-data")
    users.free("two")
    assert users.choose("three", tmp_path / "no-data") == chosen[1]


@only_root
def test_a_uid_with_a_process_is_not_chosen(tmp_path: Path) -> None:
    with subprocess.Popen(["setpriv", "--reuid=955002", "--clear-groups", "sleep", "60"]) as process:
        while uid_of(process.pid) != 955002:
            pass
        users = ServerUsers(tmp_path / "uids", {"ADDONKIT_SERVICE_UIDS": "955002-955003"})
        chosen = users.choose("one", tmp_path / "no-data")
        process.kill()
    assert chosen == ServiceUser("955003", 955003, 955003)


@pytest.mark.parametrize("text", ["900000", "a-b", "0-5", "9-8", "1-99999999999"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="it is not a range of uids"):
        uid_range({"ADDONKIT_SERVICE_UIDS": text})


def test_a_user_namespace_has_the_users_of_its_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "map"
    monkeypatch.setattr(server_users, "_MAPS", (table,))
    table.write_text("0 1000 1\n1 100000 65536\n")

    assert has_users(range(61_184, 65_520))
    assert not has_users(range(900_000, 900_001))
    assert uid_range({}) == range(61_184, 65_520)
    with pytest.raises(InvalidInput, match="has no such users"):
        uid_range({"ADDONKIT_SERVICE_UIDS": "900000-900009"})
    table.write_text("0 1000 1\n")
    assert len(uid_range({})) == 0, "then servers share a user"


@only_root
def test_a_user_that_the_namespace_does_not_have_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "map"
    monkeypatch.setattr(server_users, "_MAPS", (table,))
    table.write_text("0 100000 1000\n")

    with pytest.raises(ComputeError, match=r"this user namespace has no user nobody \(uid 65534\)"):
        ServerUsers(tmp_path / "uids", {}).check()
