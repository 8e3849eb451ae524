"""Help is there at once: it imports nothing that is heavy, and no addon."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click

from addonkit.cli.group import SECTIONS, cli

HEAVY = {"aiohttp", "cattrs", "cryptography", "psutil", "sqlite3", "pluggy", "asyncio", "attr", "ssl"}
DESCRIPTIONS = {name: text for commands in SECTIONS.values() for name, text in commands.items()}
COMMANDS = [*DESCRIPTIONS]


IMPORTED_BY_EACH = """
import json, os, sys
from addonkit.cli.main import main
for words in json.loads(sys.argv[1]):
    if os.fork():
        assert os.wait()[1] == 0, words
        continue
    try: main(words)
    except SystemExit as end: assert end.code == 0, end.code
    print("\\n" + json.dumps([words, sorted(sys.modules)]), flush=True)
    os._exit(0)
"""
"""Runs each command line in a fork of its own, and prints what it has imported then."""


def test_help_imports_nothing_heavy_and_no_addon():
    asked = [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]
    argv = [sys.executable, "-c", IMPORTED_BY_EACH, json.dumps(asked)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=120)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[[")]
    assert [words for words, _ in found] == asked
    for words, modules in found:
        tops = {name.partition(".")[0] for name in modules}
        assert tops & HEAVY == set(), words
        assert {name for name in tops if name.startswith("addonkit_")} == set(), words
        assert {name for name in modules if name.startswith("addonkit.")} <= {
            "addonkit._version", "addonkit.errors", "addonkit.cli", "addonkit.cli.main", "addonkit.cli.group", "addonkit.cli.command",
            "addonkit.cli.invocation", "addonkit.cli.streams", "addonkit.cli.failures", "addonkit.cli.event_loop",
            "addonkit.cli.prompts", "addonkit.cli.params", "addonkit.cli.power", "addonkit.cli.changing", "addonkit.util", "addonkit.util.stdout", "addonkit.cli.commands", *(f"addonkit.cli.commands.{name}" for name in COMMANDS), "addonkit.cli.commands.import_",
            "addonkit.cli.commands.backup_schedules",
        }  # fmt: skip


def test_the_help_of_all_says_what_each_says_of_itself():
    context = click.Context(cli)
    assert {name: cli.get_command(context, name).get_short_help_str(72) for name in COMMANDS} == DESCRIPTIONS


def test_the_help_of_all_imports_no_command():
    code = (
        "import sys\nfrom addonkit.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert not [name for name in sys.modules if name.startswith('addonkit.cli.commands')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_one_commands_help_imports_no_other_command():
    code = (
        "import sys\nfrom addonkit.cli.main import main\n"
        "try: main(['list', '--help'])\nexcept SystemExit: pass\n"
        "assert 'addonkit.cli.commands.list' in sys.modules\n"
        "assert 'addonkit.cli.commands.create' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_the_version_alone_imports_no_command_line():
    code = (
        "import os, sys\nfrom addonkit import __main__\n"
        "def end(status): print(sorted(name for name in sys.modules if name.startswith(('addonkit', 'click'))))\n"
        "os._exit = end\nsys.argv[1:] = ['--version']\n__main__._print_version()"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert "['addonkit', 'addonkit.__main__', 'addonkit._version']" in done.stdout


def test_a_version_that_cannot_be_written_is_one_line():
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "addonkit", "--version"]
        done = subprocess.run(argv, check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
