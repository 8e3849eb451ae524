"""run: the program gets the variables, the signals and the place of addonkit."""

from __future__ import annotations

import os

import attrs
import pytest

from addonkit.cli import exec
from addonkit.cli.exec import child_environment
from addonkit.controller.pools import Healed
from addonkit.models.instance import Phase
from addonkit.models.views import InstanceView


@pytest.fixture
def replaced(monkeypatch):
    """What this process would have become."""
    seen = []

    def note(file, argv, environ):
        seen.append((file, argv, environ))
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
    pending = InstanceView(
        attrs.evolve(samples.instance, phase=Phase.PROVISIONING),
        (attrs.evolve(samples.association, phase=Phase.PENDING, variables=()),),
    )
    kit.answers |= {"instances": (pending,), "retry": samples.view}
    call("run", "-a", "shop", "--", "ls")
    assert [name for name, _args, _kwargs in kit.calls] == ["instances", "retry", "environment", "heal"]
    assert len(replaced) == 1


@pytest.mark.parametrize(
    ("instance", "association"),
    [(Phase.ERROR, Phase.PENDING), (Phase.ACTIVE, Phase.ERROR), (Phase.DEPROVISIONING, Phase.PENDING)],
)
def test_what_failed_is_left_to_its_user(call, kit, replaced, samples, instance, association):
    failed = InstanceView(
        attrs.evolve(samples.instance, phase=instance),
        (attrs.evolve(samples.association, phase=association, variables=()),),
    )
    kit.answers["instances"] = (failed,)
    kit.answers["environment"] = attrs.evolve(samples.environment, pending=("shop-postgresql (no room)",))
    outcome = call("run", "-a", "shop", "--", "ls")
    assert outcome.status == 1
    assert outcome.err == (
        "error: cannot run a program for shop: variables are not there yet: shop-postgresql (no room);"
        " addonkit retry INSTANCE goes on with it\n"
    )
    assert replaced == []


def test_a_program_is_not_run_without_its_server(call, kit, replaced):
    kit.answers["heal"] = Healed(failed={"postgresql-s1": "no port"})
    outcome = call("run", "-a", "shop", "--", "ls")
    assert outcome.status == 1
    assert "postgresql-s1 does not run (no port)" in outcome.err
    assert replaced == []


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
    assert child_environment(own, {"B": "3"}) == {"A": "1", "B": "3"}
    assert own["ADDONKIT_KEY"] == "k"
    assert os.environ.get("B") != "3"
