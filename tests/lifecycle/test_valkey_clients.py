"""The table of clients in docs/how-to/use-valkey.md: each row tried with the library itself, on each variant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

CLIENTS = Path(__file__).parents[1] / "plugins" / "valkey" / "clients"

ALONE = ("small", "cache")
"""Variants with a server of the app's own: everything works there."""

ROWS = {
    "celery_client.py": {"task": "refused"},
    "rq_client.py": {"job": "refused"},
    "django_client.py django.core.cache.backends.redis.RedisCache": {"use": "works", "clear": "refused"},
    "django_client.py django_redis.cache.RedisCache": {"use": "works", "clear": "refused"},
    "flask_client.py": {"use": "works", "clear": "refused"},
    "redis_client.py": {"use": "works", "lock": "refused", "scan": "refused"},
}
"""What works on `shared`, with the prefix."""

NODE = {"ioredis": "works", "nodeRedis": "works", "session": "works", "bullmq": "refused"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.replace("_client.py", "").replace(".backends.redis", ""))
@pytest.mark.parametrize("variant", [*ALONE, "shared"])
@pytest.mark.slow
def test_a_client_of_python(addonkit_command: CommandLine, row: str, variant: str) -> None:
    script, *arguments = row.split()

    outcomes = try_on(addonkit_command, variant, [sys.executable, str(CLIENTS / script), *arguments])

    assert outcomes == (dict.fromkeys(ROWS[row], "works") if variant in ALONE else ROWS[row])


@pytest.fixture(scope="module")
def node(of_machine: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that tries clients of Node.js, once npm has brought them."""
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(CLIENTS, folder, dirs_exist_ok=True)
    install = [of_machine("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    installed = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if installed.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"npm brings no clients: {installed.stderr[-300:]}")
    return [of_machine("node"), str(folder / "node_client.mjs")]


@pytest.mark.parametrize("variant", [*ALONE, "shared"])
@pytest.mark.slow
def test_clients_of_node(addonkit_command: CommandLine, node: list[str], variant: str) -> None:
    outcomes = try_on(addonkit_command, variant, node)

    assert outcomes == (dict.fromkeys(NODE, "works") if variant in ALONE else NODE)


@pytest.mark.parametrize("variant", [*ALONE, "shared"])
@pytest.mark.slow
def test_sidekiq(addonkit_command: CommandLine, variant: str) -> None:
    if shutil.which("sidekiq") is None:
        pytest.skip("sidekiq is not installed; get it with: apt-get install ruby-sidekiq")

    outcomes = try_on(addonkit_command, variant, ["ruby", str(CLIENTS / "sidekiq_client.rb")])

    assert outcomes == {"job": "works" if variant in ALONE else "refused"}


def try_on(addonkit_command: CommandLine, variant: str, command: list[str]) -> dict[str, str]:
    """What a client tells of its attempts, on an instance of this variant."""
    addonkit_command("create", f"valkey:{variant}", "-a", "shop")
    run = [*addonkit_command.program, "run", "-a", "shop", "--", *command]
    done = subprocess.run(run, env=addonkit_command.environment(), capture_output=True, text=True, check=True)
    outcomes: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return outcomes
