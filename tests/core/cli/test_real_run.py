"""run and env as shells and programs meet them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ADDONKIT = str(Path(sys.executable).with_name("addonkit"))


@pytest.fixture
def shop(addonkit):
    """An app that needs no server."""
    addonkit("env", "set", "-a", "shop", "GREETING=good day")


def test_the_programs_end_is_the_commands_end(addonkit, shop):
    assert addonkit("run", "-a", "shop", "--", "sh", "-c", 'echo "$GREETING"; exit 7', status=7).stdout == "good day\n"
    addonkit("run", "-a", "shop", "--", "sh", "-c", "kill -TERM $$", status=-signal.SIGTERM)


def test_the_program_takes_the_place_of_the_command(environ, addonkit, shop):
    argv = [ADDONKIT, "run", "-a", "shop", "--", "sh", "-c", "trap 'exit 9' INT; echo $$; while :; do sleep 0.1; done"]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 9


def test_broken_pipes_end_the_program_as_they_do_everywhere(environ, addonkit, shop):
    script = f"{ADDONKIT} run -a shop -- yes | head -1 > /dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_streams_that_were_closed_do_not_keep_the_program_from_running(environ, addonkit, shop, tmp_path):
    script = f"{ADDONKIT} run -a shop -- sh -c 'echo \"$GREETING\" > {tmp_path}/said' <&- >&- 2>&-"
    subprocess.run(["sh", "-c", script], env=environ, check=True, timeout=60)
    assert (tmp_path / "said").read_text() == "good day\n"


def test_the_shell_reads_what_is_written_for_it(environ, addonkit, shop):
    script = f'eval "$({ADDONKIT} env -a shop --format shell)"; echo "$GREETING"'
    done = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "good day\n"


def test_the_json_of_every_reading_command_is_one_document(addonkit, shop):
    reading = (
        ("addons",), ("variants", "postgresql"), ("list",), ("env", "-a", "shop"), ("doctor",), ("saga", "list"),
        ("create", "postgresql", "-a", "shop", "--dry-run"),
    )  # fmt: skip
    for argv in reading:
        done = addonkit(*argv, "--json")
        assert isinstance(json.loads(done.stdout), dict)
        assert done.stderr == ""
