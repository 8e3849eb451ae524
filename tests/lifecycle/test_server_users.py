"""Servers of root have users of their own: real ones work so, and none reaches what another one keeps."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from addonkit.compute.process.server_users import uid_range
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind, server_processes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="servers of a normal user run as that user")


def test_no_server_reaches_what_another_one_keeps(addonkit_command: CommandLine, home: Path) -> None:
    for spec in ("postgresql:small", "valkey:small", "valkey:shared"):
        assert addonkit_command("create", spec, "-a", "shop", "--as", spec.replace(":", "-")).status == 0
    owners = {each: each.stat().st_uid for each in home.glob("disks/*/data")}

    assert {Path(f"/proc/{pid}").stat().st_uid for pid in server_processes(home)} == set(owners.values())
    assert len(set(owners.values()) & set(uid_range({}))) == 3
    for data, owner in owners.items():
        secrets = [
            *data.glob("users.acl"),
            *data.glob("pg_hba.conf"),
            *home.glob(f"pools/{data.parent.name}/run/*.conf"),
        ]
        assert secrets
        for uid in owners.values():
            drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
            read = [subprocess.run([*drop, "cat", each], capture_output=True, check=False) for each in secrets]
            assert {each.returncode == 0 for each in read} == {uid == owner}
    port = addonkit_command("show", "shop-valkey-small", "--json").data["server"]["port"]
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        told = f"listens on its port {port} at ::1; end that process"
        assert told in " ".join(addonkit_command("list").out.split())
        assert told in addonkit_command("doctor").out
    for name in ("postgresql-small", "valkey-small", "valkey-shared"):
        assert addonkit_command("restart", f"shop-{name}", "--yes").status == 0
    assert addonkit_command("doctor").status == 0
    assert addonkit_command("destroy", "--app", "shop", "--yes").status == 0
    assert left_behind(home) == ()


def test_servers_of_the_user_nobody_are_reported_and_a_restart_gives_them_one(addonkit_command: CommandLine) -> None:
    for addon in ("postgresql", "valkey"):
        assert addonkit_command("create", addon, "-a", "shop", ADDONKIT_SERVICE_USER="nobody").status == 0
    told = addonkit_command("doctor", "--json").data["findings"]

    assert [(each["kind"], each["subject"]) for each in told] == [
        ("shared-user", "shop-postgresql"),
        ("shared-user", "shop-valkey"),
    ]
    assert "runs as nobody, as other programs may; run `addonkit restart shop-postgresql`" in told[0]["problem"]
    assert addonkit_command("doctor", "--fix", "--yes").status == 0
    assert addonkit_command("doctor").status == 0
    found = addonkit_command("run", "-a", "shop", "--", "psql", "-XAtc", "select current_user")
    assert found.out == "shop\n", found.err


def test_where_root_is_the_only_user_a_command_says_why_a_server_cannot_run(home: Path) -> None:
    sandbox = (*("unshare", "--map-root-user"), *CommandLine(home).program)
    refused = CommandLine(home, program=sandbox)("create", "valkey", "-a", "shop")
    assert refused.status == 1
    assert "error: cannot run servers as root: this user namespace has no other user; run the command" in refused.err
    assert left_behind(home) == ()
    python = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin:/bin")
    if python is None:
        return  # root's own may lie below /root
    theirs = home / "theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    path = os.pathsep.join(each for each in sys.path if each)
    argv = [*("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "unshare", "--map-root-user"), python]

    told = subprocess.run(
        [*argv, "-m", "addonkit", "create", "postgresql", "-a", "shop"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "ADDONKIT_HOME": str(theirs)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert "here root is the only user, whom some servers refuse; run the command as another user" in told.stderr


def test_root_that_may_not_become_others_is_told_so(home: Path) -> None:
    bare = (*("setpriv", "--bounding-set=-setuid,-setgid"), *CommandLine(home).program)
    refused = CommandLine(home, program=bare)("create", "valkey", "-a", "shop")
    assert refused.status == 1
    last = refused.err.splitlines()[-1]
    assert "this root may not work as another user: it has no CAP_SETGID, CAP_SETUID; allow that" in last
    assert left_behind(home) == ()
