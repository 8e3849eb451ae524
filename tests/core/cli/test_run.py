"""run: the program gets the variables, the signals and the place of addonkit."""

from __future__ import annotations

import os

import attrs
import pytest

from addonkit.cli import exec
from addonkit.cli.exec import child_environment
from addonkit.controller.pools import HealReport
from addonkit.models.variable import Variable
from addonkit.models.views import Environment, EnvironmentEntry


@pytest.fixture
def replaced(monkeypatch):
    """What this process would have become."""
    seen = []

    def note(file, argv, environ):
        seen.append((file, argv, {os.fsdecode(key): os.fsdecode(text) for key, text in environ.items()}))
        raise SystemExit(42)

    monkeypatch.setattr("addonkit.cli.exec.os.execvpe", note)
    monkeypatch.setattr(exec, "restore_signals", lambda: None)
    return seen


@pytest.fixture(autouse=True)
def app(kit, samples):
    kit.answers |= {"environment": samples.environment, "instances": (samples.view,)}


def test_the_program_gets_the_variables(call, kit, replaced, samples, monkeypatch):
    monkeypatch.setenv("ADDONKIT_KEY", "the key to everything")
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("HOME", "/somewhere")
    assert call("run", "-a", "shop", "--", "psql", "-c", "select 1").status == 42
    ((file, argv, environ),) = replaced
    assert (file, argv) == ("psql", ["psql", "-c", "select 1"])
    assert environ["DATABASE_URL"] == f"postgresql://{samples.password}"
    assert environ["PGHOST"] == "127.0.0.1"
    assert environ["HOME"] == "/somewhere"
    assert "ADDONKIT_KEY" not in environ


def test_variables_of_an_addons_family_do_not_survive(call, kit, replaced, samples, monkeypatch):
    kit.answers["environment"] = attrs.evolve(samples.environment, unset=("AWS_ENDPOINT_URL*", "DEBUG", "PGSERVICE"))
    for key in ("PGSERVICE", "PGSERVICEFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "DEBUG"):
        monkeypatch.setenv(key, "of the shell")
    call("run", "-a", "shop", "--", "psql")
    ((_file, _argv, environ),) = replaced
    assert environ["DEBUG"] == "1 or 2", "what the app itself receives wins"
    assert environ["PGSERVICEFILE"] == "of the shell"
    assert not {"PGSERVICE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}.intersection(environ)


def test_nothing_of_addonkit_reaches_the_program(call, replaced, monkeypatch):
    for key in ("ADDONKIT_S3_REMOTE_SECRET_KEY", "ADDONKIT_HOME", "ADDONKIT_ANYTHING"):
        monkeypatch.setenv(key, "the operator's")
    call("run", "-a", "shop", "--", "psql")
    assert not [key for key in replaced[0][2] if key.startswith("ADDONKIT_")]


@pytest.mark.parametrize(
    ("typed", "argv"),
    [
        (("-a", "shop", "--", "ls", "--json", "-v"), ["ls", "--json", "-v"]),
        (("-a", "shop", "ls", "-a", "x", "--", "y"), ["ls", "-a", "x", "--", "y"]),
        (("-a", "shop", "--", "--odd"), ["--odd"]),
    ],
)
def test_options_of_the_program_are_its_own(call, replaced, typed, argv):
    call("run", *typed)
    assert replaced[0][1] == argv


def test_pending_addons_are_waited_for(call, kit, replaced, samples):
    answers = iter((attrs.evolve(samples.environment, pending=("shop-valkey",)), samples.environment))
    kit.answers |= {"environment": lambda *_args, **_kwargs: next(answers), "retry": samples.view}
    call("run", "-a", "shop", "--", "ls")
    called = [name for name, _args, _kwargs in kit.calls]
    assert called == ["has_branches", "environment", "retry", "environment", "heal"]
    assert kit.call("retry") == (("shop-valkey",), {})
    assert len(replaced) == 1


def test_what_does_not_come_blocks_and_is_named_with_both_ways_out(call, kit, replaced, samples):
    kit.answers |= {"environment": attrs.evolve(samples.environment, pending=("shop-valkey",)), "retry": samples.view}
    outcome = call("run", "-a", "shop", "--", "ls")
    assert outcome.status == 1
    assert outcome.err == (
        "error: cannot run a program for shop: the variables of shop-valkey are not there yet; "
        "run `addonkit retry shop-valkey`, or leave it out with `--without shop-valkey`\n"
    )
    assert replaced == []


def test_what_failed_warns(call, kit, replaced, samples):
    kit.answers["environment"] = attrs.evolve(samples.environment, failed={"shop-s3-remote": "no such\nbucket"})
    outcome = call("run", "-a", "shop", "--", "ls")
    assert outcome.err == (
        "warning: shop-s3-remote failed, its variables are missing: no such\\nbucket; run `addonkit retry "
        "shop-s3-remote` to try again, or `addonkit destroy shop-s3-remote` to remove it\n"
    )
    assert len(replaced) == 1


def test_a_program_is_not_run_without_its_server(call, kit, replaced):
    kit.answers["heal"] = HealReport(failed={"on-s1": "no port"})
    outcome = call("run", "-a", "shop", "--", "ls")
    assert outcome.status == 1
    assert "on-s1 does not run (no port); leave it out with `--without on-s1`" in outcome.err
    assert replaced == []


def test_an_instance_may_be_left_out(call, kit, replaced):
    kit.answers["name_of"] = lambda name, _app: {"s3": "shop-s3-remote"}.get(name, name)
    call("run", "-a", "shop", "--without", "s3", "--without", "shop-valkey", "--", "ls")
    left_out = ["shop-s3-remote", "shop-valkey"]
    assert kit.call("environment") == (("shop",), {"without": left_out})
    assert kit.call("heal") == (("shop",), {"without": left_out})
    assert len(replaced) == 1


def test_clients_that_fit_the_servers_come_first(tmp_path):
    (tmp_path / "18").mkdir()
    found = Environment("shop", programs=(str(tmp_path / "18"), str(tmp_path / "gone"), "/usr/bin"))
    assert child_environment({"PATH": "/bin:/usr/bin"}, found)["PATH"] == f"{tmp_path / '18'}:/bin:/usr/bin"
    assert child_environment({}, found)["PATH"].startswith(f"{tmp_path / '18'}:")
    assert child_environment({"PATH": "/bin"}, Environment("shop"))["PATH"] == "/bin"


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        ("no-such-program", 127, "there is no such program"),
        ("/etc/passwd/x", 127, "there is no such program"),
        ("/dev/null", 126, "Permission denied"),
        ("", 126, "cannot run ''"),
    ],
)
def test_a_program_that_cannot_be_run(call, monkeypatch, program, status, words):
    monkeypatch.setattr(exec, "restore_signals", lambda: None)
    outcome = call("run", "-a", "shop", "--", program)
    assert outcome.status == status
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_the_apps_variables_win():
    own = {"A": "1", "B": "2", "ADDONKIT_KEY": "k", "ADDONKIT_HOME": "/h"}
    assert child_environment(own, Environment("shop", (EnvironmentEntry(Variable("B", "3"), "manual"),))) == {
        "A": "1",
        "B": "3",
    }
    assert own["ADDONKIT_KEY"] == "k"
    assert os.environ.get("B") != "3"
