"""A command that was killed is continued by the same command, and until then `doctor` tells of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.home import server_processes

S3 = pytest.mark.parametrize("addon", ["s3-remote"])


def findings(command: CommandLine) -> list[tuple[str, str]]:
    return [(each["kind"], each["subject"]) for each in command("doctor", "--json").data["findings"]]


def kill(command: CommandLine, point: str, *words: str) -> None:
    assert command(*words, ADDONKIT_FAULT=f"{point}=kill").status == -signal.SIGKILL, f"it came past {point}"


def environment(command: CommandLine, app: str) -> dict[str, str]:
    shown = command("env", "-a", app, "--reveal", "--json").data
    assert shown["pending"] == []
    return {each["key"]: each["value"] for each in shown["variables"]}


@S3
@pytest.mark.parametrize(
    "fix",
    [
        ("detach", "shop-s3-remote", "-a", "reports"),
        pytest.param(("doctor", "--fix", "--yes"), marks=pytest.mark.slow),
    ],
)
async def test_a_detach_that_was_killed_is_told_and_ends_the_credentials(rig: Rig, fix: tuple[str, ...]) -> None:
    assert rig.command("create", "s3-remote", "-a", "shop").status == 0
    assert rig.command("attach", "shop-s3-remote", "-a", "reports").status == 0
    environ = environment(rig.command, "reports")
    await rig.write(environ, "kept")
    kill(rig.command, "before:revoke_key", "detach", "shop-s3-remote", "-a", "reports")

    assert findings(rig.command) == [("unfinished", "shop-s3-remote")]
    again = rig.command("attach", "shop-s3-remote", "-a", "reports")
    assert "run `addonkit detach shop-s3-remote -a reports`" in again.err
    fixed = rig.command(*fix)

    assert fixed.status == 0, fixed.err
    assert await rig.is_refused(environ, "kept")
    assert findings(rig.command) == []


@pytest.mark.all_day("postgresql")
@pytest.mark.parametrize("addon", ["postgresql", "valkey"])
def test_a_server_that_ended_before_its_tenant_was_let_in_is_started_again(rig: Rig) -> None:
    words = ("create", rig.spec("small"), "-a", "shop")
    kill(rig.command, "before:create_tenant", *words)
    for pid in server_processes(rig.home):
        os.kill(pid, signal.SIGQUIT)
        while Path(f"/proc/{pid}/cwd").exists():
            pass

    again = rig.command(*words)

    assert again.status == 0, again.err


@S3
@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("create", ("--as", "files")),
        ("attach", ()),
        pytest.param("create", (), marks=pytest.mark.slow),
        pytest.param("attach", ("--as", "files"), marks=pytest.mark.slow),
    ],
)
def test_what_was_killed_before_an_app_had_its_variables_is_continued(
    rig: Rig, verb: str, more: tuple[str, ...]
) -> None:
    words: tuple[str, ...] = ("create", "s3-remote", "-a", "shop", *more)
    name = "shop-files" if more and verb == "create" else "shop-s3-remote"
    if verb == "attach":
        assert rig.command("create", "s3-remote", "-a", "shop").status == 0
        words = ("attach", "shop-s3-remote", "-a", "blog", *more)
    kill(rig.command, "before:create_key", *words)

    assert findings(rig.command) == [("unfinished", name)]
    again = rig.command(*words)

    assert again.status == 0, again.err
    assert environment(rig.command, words[3])
    assert len(rig.command("list", "--json").data["instances"]) == 1
    assert findings(rig.command) == []


@pytest.mark.slow
@S3
def test_what_failed_is_told_and_tried_again_by_the_same_command(rig: Rig) -> None:
    words = ("create", "s3-remote", "-a", "shop")
    assert rig.command(*words, ADDONKIT_FAULT="after:create_key=raise").status == 1
    assert findings(rig.command) == [("failed", "shop-s3-remote")]
    other = rig.command("create", "s3-remote:prefix", "-a", "shop")
    assert "run `addonkit retry shop-s3-remote`" in other.err, other.err

    again = rig.command(*words)

    assert again.status == 0, again.err
    assert environment(rig.command, "shop")
    assert findings(rig.command) == []


@pytest.mark.all_day("valkey:shared")
@pytest.mark.parametrize("spec", ["valkey:shared", "valkey:small"])
def test_an_instance_in_error_is_told_and_created_again(addonkit_command: CommandLine, spec: str) -> None:
    words = ("create", spec, "-a", "shop")
    assert addonkit_command(*words, ADDONKIT_FAULT="after:create_tenant=raise").status == 1
    assert findings(addonkit_command) == [("failed", "shop-valkey")]

    assert addonkit_command(*words).status == 0
    assert findings(addonkit_command) == []


def test_a_healthy_instance_whose_variables_have_a_prefix_is_retried_with_success(
    addonkit_command: CommandLine,
) -> None:
    for alias in ("a", "b"):
        assert addonkit_command("create", "valkey:shared", "-a", "shop", "--as", alias).status == 0
    for name in ("shop-a", "shop-b"):
        retried = addonkit_command("retry", name)
        assert retried.status == 0, retried.err


def test_a_question_that_was_interrupted_is_no_finding(addonkit_command: CommandLine) -> None:
    assert addonkit_command("create", "valkey:shared", "-a", "shop").status == 0
    killed = addonkit_command("doctor", ADDONKIT_FAULT="before:list_claims=kill")
    assert killed.status == -signal.SIGKILL

    assert findings(addonkit_command) == []
