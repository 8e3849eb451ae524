"""doctor, saga, logs: what is looked at, what is done about it, and what is asked before."""

from __future__ import annotations

import time

import pytest

from addonkit.errors import PoolTimeout
from addonkit.models.views import Finding

DOWN = Finding("server-down", "postgresql-s1", "it should run and does not", "start it")
ORPHAN = Finding("orphan-disk", "postgresql-s2", "no server of this name is known", "remove it with its data")
BROKEN = Finding("broken-addon", "odd", "acme-odd 1.0: ImportError")


def test_all_is_well(call, kit):
    kit.answers["doctor"] = ()
    outcome = call("doctor")
    assert (outcome.status, outcome.out) == (0, "no problems found\n")
    assert kit.opened[0]["heal"] is False


def test_findings_are_named_and_fail(call, kit):
    kit.answers["doctor"] = (DOWN, BROKEN)
    outcome = call("doctor")
    assert outcome.status == 1
    assert outcome.out == (
        "server-down: postgresql-s1: it should run and does not (--fix: start it)\n"
        "broken-addon: odd: acme-odd 1.0: ImportError\n"
    )
    document = call("doctor", "--json")
    assert document.status == 1
    assert document.json["findings"][0] == {
        "kind": "server-down",
        "subject": "postgresql-s1",
        "problem": "it should run and does not",
        "fix": "start it",
        "key": "",
    }


@pytest.fixture
def fixed(kit):
    """A kit in which every fix works, but for those named."""
    left = [DOWN, ORPHAN, BROKEN]

    def fix(findings):
        for finding in findings:
            left.remove(finding)
        return tuple(f"{finding.subject}: done" for finding in findings)

    kit.answers |= {"doctor": lambda: tuple(left), "fix": fix}
    return left


def test_fix_mends_what_can_be_mended(call, fixed):
    outcome = call("doctor", "--fix", "--yes")
    assert fixed == [BROKEN]
    assert outcome.status == 1
    assert outcome.out.splitlines()[:2] == ["postgresql-s1: done", "postgresql-s2: done"]


def test_fix_succeeds_when_nothing_is_left(call, fixed):
    fixed.remove(BROKEN)
    assert call("doctor", "--fix", "--yes").status == 0


@pytest.mark.parametrize("argv", [(), ("--json",)])
def test_fix_asks_before_data_are_removed(call, fixed, argv):
    outcome = call("doctor", "--fix", *argv)
    assert outcome.status == 1
    assert "add --yes" in outcome.err + outcome.out
    assert fixed == [DOWN, ORPHAN, BROKEN]


def test_fix_does_not_ask_where_no_data_are_removed(call, fixed):
    fixed.remove(ORPHAN)
    call("doctor", "--fix")
    assert fixed == [BROKEN]


def test_a_fix_that_fails_hides_no_other(call, kit, fixed):
    works = kit.answers["fix"]

    def fix(findings):
        if findings == (DOWN,):
            raise PoolTimeout("starting postgresql-s1", "it is not ready")
        return works(findings)

    kit.answers["fix"] = fix
    outcome = call("doctor", "--fix", "--yes")
    assert outcome.out.splitlines()[:2] == ["starting postgresql-s1: it is not ready", "postgresql-s2: done"]
    assert fixed == [DOWN, BROKEN]


def test_executions_are_listed(call, kit, samples):
    kit.answers["executions"] = (samples.execution,)
    outcome = call("saga", "list", "--unfinished")
    assert kit.call("executions") == ((), {"unfinished": True})
    assert outcome.out.splitlines()[1].split() == [
        "provision/i1/1", "blocked", "2026-01-02", "12:00:00", "postgresql.provision", "no", "room",
    ]  # fmt: skip


def test_an_execution_is_shown_without_its_values(call, kit, samples):
    kit.answers["execution"] = samples.execution
    outcome = call("saga", "show", "provision/i1/1")
    assert "create_pool  failed  3     no room" in outcome.out
    assert "12:00:00 failed: start the server: no room" in outcome.out
    document = call("saga", "show", "provision/i1/1", "--json")
    assert samples.password not in document.out + outcome.out
    assert document.json["steps"][1] == {
        "name": "create_pool",
        "status": "failed",
        "error": "no room\nat all",
        "attempts": 3,
    }


def test_an_execution_is_retried(call, kit, samples):
    kit.answers["retry_execution"] = samples.execution
    assert call("saga", "retry", "provision/i1/1").status == 0
    assert kit.call("retry_execution") == (("provision/i1/1",), {})


def test_an_execution_is_abandoned_only_after_a_yes(call, kit, samples):
    kit.answers |= {"execution": samples.execution, "abandon_execution": ("create_pool",)}
    refused = call("saga", "abandon", "provision/i1/1")
    assert (refused.status, "add --yes" in refused.err) == (1, True)
    assert "abandon_execution" not in [name for name, _args, _kwargs in kit.calls]
    assert call("saga", "abandon", "provision/i1/1", "--yes").out == (
        "provision/i1/1 is abandoned; these stay: create_pool\n"
    )


@pytest.fixture
def log(kit, tmp_path):
    path = tmp_path / "log"
    path.write_text("one\ntwo\n\x1b[31mthree\n")
    kit.answers["log_path"] = str(path)
    return path


def test_logs(call, kit, log):
    assert call("logs", "postgresql", "-a", "shop", "-n", "2").out == "two\n\\x1b[31mthree\n"
    assert kit.call("log_path") == (("postgresql", "shop"), {})
    assert call("logs", "x", "--json").json == {"path": str(log), "lines": ["one", "two", "\x1b[31mthree"]}


def test_no_log_yet(call, log):
    log.unlink()
    outcome = call("logs", "x")
    assert (outcome.status, "its server never started" in outcome.err) == (1, True)


def test_a_log_is_followed_until_ctrl_c(call, log, monkeypatch):
    def append(_seconds):
        if "four" in log.read_text():
            raise KeyboardInterrupt
        with log.open("a") as file:
            file.write("four\n")

    monkeypatch.setattr(time, "sleep", append)
    outcome = call("logs", "x", "-n", "1", "-f")
    assert outcome.out == "\\x1b[31mthree\nfour\n"
    assert (outcome.status, outcome.err) == (130, "interrupted: the log continues\n")
