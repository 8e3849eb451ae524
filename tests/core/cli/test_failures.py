"""Every outcome has its exit status and its one line."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from addonkit.errors import PoolCrashed, UnknownInstance

ADDONKIT = str(Path(sys.executable).with_name("addonkit"))


def test_an_expected_error_is_one_line(call, kit):
    kit.answers["show"] = UnknownInstance("cannot find instance 'x'", "no instance has this name", "there is y")
    outcome = call("show", "x")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err == "error: cannot find instance 'x': no instance has this name; there is y\n"


def test_an_expected_error_is_a_document_for_programs(call, kit):
    kit.answers["show"] = UnknownInstance("cannot find 'x'", "none", "advice", near=["y"], count=2)
    outcome = call("show", "x", "--json")
    assert outcome.status == 1
    assert outcome.err == ""
    assert outcome.json == {
        "error": {
            "kind": "UnknownInstance",
            "message": "cannot find 'x': none; advice",
            "attempted": "cannot find 'x'",
            "found": "none",
            "advice": "advice",
            "details": {"near": "['y']", "count": 2},
        }
    }


def test_a_log_that_belongs_to_an_error_is_indented_and_clean(call, kit):
    kit.answers["show"] = PoolCrashed("starting s", "it ended; its log:\nfirst\n\x1b[31mlast")
    assert call("show", "x").err == "error: starting s: it ended; its log:\n  first\n  \\x1b[31mlast\n"


def test_traces_are_shown_when_asked_for(call, kit):
    kit.answers["show"] = UnknownInstance("cannot find 'x'", "none")
    assert "Traceback" in call("show", "x", "-v").err
    assert "Traceback" in call("-v", "show", "x").err


def test_anything_else_is_a_bug_report(call, kit):
    kit.answers["show"] = ZeroDivisionError("by\nzero")
    outcome = call("show", "x")
    assert outcome.status == 1
    assert "bug in addonkit 0" in outcome.err
    assert "ZeroDivisionError: by\\nzero" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in call("show", "x", "-v").err


def test_help_is_a_word_too(call):
    assert call("help").out == call("--help").out
    assert call("help", "create").out == call("create", "--help").out
    assert call("help", "env", "set").out == call("env", "set", "--help").out
    assert call("help", "nonsense").status == 2


def test_a_bug_is_a_document_for_programs(call, kit):
    kit.answers["show"] = ZeroDivisionError("by zero")
    outcome = call("--json", "show", "x")
    assert outcome.json["error"]["kind"] == "InternalError"
    assert "ZeroDivisionError" in outcome.json["error"]["message"]


def test_an_os_error_that_is_not_the_outputs_is_a_bug(call, kit):
    kit.answers["show"] = BrokenPipeError(32, "Broken pipe")
    outcome = call("show", "x")
    assert outcome.status == 1
    assert "BrokenPipeError" in outcome.err


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (("creat",), "error: there is no command 'creat'; did you mean `addonkit create`? see `addonkit --help`\n"),
        (("rm",), "error: there is no command 'rm'; did you mean `addonkit destroy`? see `addonkit --help`\n"),
        (("ls",), "error: there is no command 'ls'; did you mean `addonkit list`? see `addonkit --help`\n"),
        (("psql",), "error: there is no command 'psql'; did you mean `addonkit shell INSTANCE`? see"),
        (("pg:info",), "error: there is no command 'pg:info'; did you mean `addonkit show`? see"),
        (("postgres:link",), "error: there is no command 'postgres:link'; did you mean `addonkit attach`? see"),
        (("config:set",), "error: there is no command 'config:set'; did you mean `addonkit env set KEY=VALUE`? see"),
        (("pg:upgrade",), "error: there is no command 'pg:upgrade'; did you mean `addonkit upgrade`? see"),
        (("no:such",), "error: there is no command 'no:such'; see"),
        pytest.param(
            ("list", "--jsn"),
            "error: no such option '--jsn'; did you mean '--json'? see `addonkit list --help`\n",
            marks=pytest.mark.pinned,
        ),
        (("zzz",), "error: there is no command 'zzz'; see `addonkit --help`\n"),
        (("show",), "error: missing argument 'INSTANCE'; see `addonkit show --help`\n"),
        (("run", "-a", "shop"), "error: missing argument '-- COMMAND [ARGUMENT...]'; see `addonkit run --help`\n"),
        (("env",), "error: missing option '-a' / '--app'; see `addonkit env --help`\n"),
        (("logs", "x", "-n", "-1"), "error: invalid value for '-n' / '--lines': -1 is not in the range x>=0; "),
        (("logs", "x", "-f", "--json"), '{\n  "error"'),
        (
            ("rotate", "x", "--lost", "--admin"),
            "error: --lost and --admin do not go together; see `addonkit rotate --help`\n",
        ),
        (
            ("rotate", "x", "--admin", "--force"),
            "error: --force does not go with --admin; see `addonkit rotate --help`\n",
        ),
        (("rotate", "--lost", "-a", "shop"), "error: -a goes with an INSTANCE only; see `addonkit rotate --help`\n"),
        (("env", "-a", "shop", "-o", "x"), "error: --output needs --format; see `addonkit env --help`\n"),
        (("env", "set", "-a", "shop", "KEY"), "error: a variable is KEY=VALUE; "),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(call, kit, argv, line):
    outcome = call(*argv)
    assert outcome.status == 2
    assert (outcome.err + outcome.out).startswith(line)
    assert len(outcome.err.splitlines()) <= 1
    assert kit.opened == []


@pytest.mark.parametrize("argv", [("create", "--json", "--nonsense"), ("nonsense", "--json"), ("show", "--json")])
def test_a_wrong_command_line_is_a_document_for_programs(call, argv):
    outcome = call(*argv)
    assert outcome.status == 2
    assert outcome.json["error"]["kind"] == "UsageError"
    assert outcome.err == ""


@pytest.mark.parametrize(("argv", "path"), [((), "addonkit"), (("saga",), "addonkit saga")])
def test_without_a_command_the_help_is_shown_as_a_mistake(call, argv, path):
    outcome = call(*argv)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith(f"Usage: {path} [OPTIONS]")


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_with_a_line_that_tells_how_to_continue(call, kit, number):
    cleaned = []

    async def interrupted(*_args, **_kwargs):
        os.kill(os.getpid(), number)
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    kit.answers["create"] = interrupted
    outcome = call("create", "postgresql:small", "-a", "shop", "--as", "big")
    assert outcome.status == 130
    assert cleaned == [True]
    assert outcome.out == ""
    assert (
        outcome.err
        == "interrupted: run the same command again to continue, or `addonkit destroy big -a shop` to undo it\n"
    )


def test_output_that_cannot_be_written_is_told():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [ADDONKIT, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write the output: No space left on device\n"


def test_a_reader_that_went_away_is_no_news():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [ADDONKIT, "--help"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr == ""
