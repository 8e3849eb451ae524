"""`addonkit shell`: the program of an addon, with an app's own login, on real servers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

NO_CLIENTS = {"PATH": str(Path(sys.executable).parent)}


def test_psql_has_the_apps_login_and_takes_arguments(addonkit_command: CommandLine) -> None:
    assert addonkit_command("create", "postgresql", "-a", "shop").status == 0
    statement = "select current_user, current_database()"

    run = addonkit_command("shell", "postgresql", "-a", "shop", "--", "-XAtc", statement)

    assert (run.status, run.out) == (0, "shop|shop\n"), run
    assert addonkit_command("destroy", "shop-postgresql", "--yes").status == 0


@pytest.mark.all_day("client of the machine-small", "client of the addon-shared")
@pytest.mark.parametrize("variant", ["small", "shared"])
@pytest.mark.parametrize("clients", [{}, NO_CLIENTS], ids=["client of the machine", "client of the addon"])
def test_valkey_runs_a_command_with_the_apps_login(
    addonkit_command: CommandLine, variant: str, clients: Mapping[str, str]
) -> None:
    assert addonkit_command("create", f"valkey:{variant}", "-a", "shop").status == 0
    prefix = "shop:" if variant == "shared" else ""

    def shell(*words: str) -> tuple[int, str]:
        run = addonkit_command("shell", "shop-valkey", "--", *words, **clients)
        return run.status, run.out.strip().strip('"')

    assert shell("set", f"{prefix}a", "one two") == (0, "OK")
    assert shell("get", f"{prefix}a") == (0, "one two")
    typed = addonkit_command("shell", "shop-valkey", input=f"get {prefix}a\n", **clients)
    assert (typed.status, typed.out.strip().strip('"')) == (0, "one two"), typed
    assert addonkit_command("destroy", "shop-valkey", "--yes").status == 0


def test_a_stopped_server_is_told_and_another_apps_server_is_left_alone(addonkit_command: CommandLine) -> None:
    for spec in ("valkey:small", "valkey:cache"):
        assert addonkit_command("create", spec, "-a", "shop", "--as", spec[7:]).status == 0
    assert addonkit_command("stop", "--all").status == 0

    run = addonkit_command("shell", "small", "-a", "shop", "--", "ping")

    advice = "run `addonkit start shop-small`"
    assert run.status == 1
    assert run.err.startswith("error: cannot open a shell for shop-small: it does not run (it was stopped;"), run.err
    assert advice in run.err
    assert addonkit_command("destroy", "--app", "shop", "--yes").status == 0


@pytest.mark.slow
def test_a_bucket_is_listed(addonkit_command: CommandLine, service_of: Callable[[str], Mapping[str, str]]) -> None:
    settings = [f"{name}={value}" for name, value in service_of("s3-remote").items()]
    assert addonkit_command("config", "set", "s3-remote", *settings).status == 0
    assert addonkit_command("create", "s3-remote", "-a", "shop").status == 0
    put = "import boto3, os; boto3.client('s3').put_object(Bucket=os.environ['S3_BUCKET'], Key='a b', Body=b'12345')"
    assert addonkit_command("run", "-a", "shop", "--", sys.executable, "-c", put).status == 0

    run = addonkit_command("shell", "shop-s3-remote")

    assert run.status == 0, run
    assert run.out.splitlines()[0].split()[0] == "5"
    assert run.out.splitlines()[0].endswith("a b")
    assert run.out.splitlines()[-1] == "1 object, 5 bytes"
    assert addonkit_command("destroy", "shop-s3-remote", "--yes").status == 0
