"""The real Docker Compose runs addonkit as a provider: a service gets the variables, and `down` removes the instance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

from .docker_daemon import docker_daemon

compose = pytest.importorskip("compose", reason="Docker Compose has no package for this kind of machine")

COMPOSE = Path(compose.__file__).with_name("docker-compose")
"""The program itself: the command of its distribution loses its exit status."""

PROJECT = """\
name: shop
services:
  cache:
    provider:
      type: addonkit
      options:
        addon: valkey:shared
  web:
    image: web
    network_mode: host
    depends_on: [cache]
"""


@pytest.mark.slow
def test_docker_compose_gives_a_service_what_addonkit_provides(
    addonkit_command: CommandLine, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "compose.yaml").write_text(PROJECT)
    beside = Path(sys.executable).parent
    environ = {
        **os.environ,
        "ADDONKIT_HOME": str(home),
        "DOCKER_HOST": f"unix://{tmp_path / 'docker.sock'}",
        "DOCKER_CONFIG": str(tmp_path),
        "PATH": f"{beside}:{os.environ['PATH']}",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [COMPOSE, *words]
        return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    with docker_daemon(tmp_path / "docker.sock") as created:
        for _ in range(2):
            up = run("up", "--no-start")
            assert up.returncode == 0, up
        first, second = ({*each["Env"]} for each in created)
        assert first == second, "the same command again gives the same variables"
        assert [each for each in first if each.startswith("CACHE_VALKEY_URL=redis://")], first
        assert addonkit_command("list", "--json").data["instances"][0]["name"].startswith("shop-")

        down = run("down")
        assert down.returncode == 0, down
        assert addonkit_command("list", "--json").data["instances"] == []

        (tmp_path / "compose.yaml").write_text(PROJECT.replace("valkey:shared", "valkeyy"))
        failed = run("up", "--no-start")
        assert failed.returncode != 0
        assert 'unknown addon "valkeyy"' in failed.stderr
