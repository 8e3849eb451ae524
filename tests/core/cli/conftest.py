"""A kit that answers what a test says, and a way to call the command with it."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest

from addonkit.cli.main import main
from addonkit.controller.pools import HealReport
from addonkit.kit.binding import Binding
from addonkit.models.address import Address
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.models.instance import Association, Instance, Phase, Server, ServerPhase
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable
from addonkit.models.views import Environment, EnvironmentEntry, InstanceView
from addonkit.models.vitals import Vitals

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PASSWORD = "hidden-from-everybody"

VARIABLES = (Variable("DATABASE_URL", Secret(f"postgresql://{PASSWORD}")), Variable("PGHOST", "127.0.0.1"))
INSTANCE = Instance(
    "i1", "shop-postgresql", "postgresql", "shop", "small", "addonkit-postgresql", {CONFIG_VERSION: "18.6"}, Phase.ACTIVE,
    server="postgresql-s1", variables=VARIABLES, attributes={"password": Secret(PASSWORD)},
)  # fmt: skip
ASSOCIATION = Association(
    "a1", "shop", "i1", "postgresql", order=1, phase=Phase.ACTIVE, plain=VARIABLES, variables=VARIABLES
)
BINDING = Binding(INSTANCE, ASSOCIATION, new_app=True, address=Address("127.0.0.1", 20001), has_shell=True)
VIEW = InstanceView(
    INSTANCE, (ASSOCIATION,), server=Server("postgresql-s1", "postgresql", "i1", ServerPhase.ACTIVE),
    server_state="running", address=Address("127.0.0.1", 20001), tenants=1,
)  # fmt: skip
ENVIRONMENT = Environment(
    "shop",
    (
        EnvironmentEntry(Variable("DEBUG", "1 or 2"), "manual"),
        *(EnvironmentEntry(variable, "shop-postgresql") for variable in VARIABLES),
    ),
)


def event(kind, step="", message="", execution="provision/i1/1", number=1, total=2):
    return Event(execution, "postgresql.provision", kind, message, NOON, step, number, total)


EXECUTION = Execution(
    "provision/i1/1", "postgresql.provision", 1, ExecutionStatus.BLOCKED,
    (
        StepRecord("create_disk", StepStatus.DONE, {"password": Secret(PASSWORD)}, attempts=1),
        StepRecord("create_pool", StepStatus.FAILED, error="no room\nat all", attempts=3),
    ),
    {"password": Secret(PASSWORD)}, {"instance": "i1"}, "no room", created=NOON,
    events=(event(EventKind.FAILED, "create_pool", "start the server: no room"),),
)  # fmt: skip


@pytest.fixture
def samples():
    """Values as a kit answers them; their secrets hold the text `password`."""
    return SimpleNamespace(
        instance=INSTANCE, association=ASSOCIATION, binding=BINDING, view=VIEW, environment=ENVIRONMENT,
        execution=EXECUTION, password=PASSWORD, event=event, noon=NOON,
    )  # fmt: skip


@attrs.define
class FakeKit:
    """Notes every call; answers with what `answers` has for it: a value, an exception, or a function."""

    answers: dict = attrs.field(factory=dict)
    calls: list = attrs.field(factory=list)
    opened: list = attrs.field(factory=list)
    registry: object = None
    backend: object = None
    trash: object = None

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        async def method(*args, **kwargs):
            self.calls.append((name, args, kwargs))
            answer = self.answers[name]
            if isinstance(answer, BaseException):
                raise answer
            answer = answer(*args, **kwargs) if callable(answer) else answer
            return await answer if inspect.isawaitable(answer) else answer

        return method

    @asynccontextmanager
    async def open(self, **options):
        self.opened.append(options)
        yield self

    def call(self, name):
        """Arguments of the only call of that name."""
        ((args, kwargs),) = [(args, kwargs) for called, args, kwargs in self.calls if called == name]
        return args, kwargs


@attrs.frozen
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def kit():
    return FakeKit(
        {
            "heal": HealReport(),
            "vitals": Vitals(),
            "has_app": True,
            "check_app": None,
            "has_branches": False,
            "count": 1,
            "name_of": lambda name, _app: name,
        }
    )


@pytest.fixture
def call(kit, capsys, monkeypatch):
    """Call the command in this process: `call("list", "-a", "shop")`."""
    monkeypatch.delenv("ADDONKIT_APP", raising=False)
    monkeypatch.delenv("ADDONKIT_HOME", raising=False)

    def call(*argv):
        with pytest.raises(SystemExit) as ended:
            main(argv, opener=kit.open)
        out, err = capsys.readouterr()
        assert PASSWORD not in err
        return Outcome(ended.value.code, out, err)

    return call


ADDONKIT = str(Path(sys.executable).with_name("addonkit"))


@pytest.fixture
def environ(home):
    """The environment of the installed command, on a home of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADDONKIT_", "PG"))}
    return kept | {"ADDONKIT_HOME": str(home)}


@pytest.fixture
def addonkit(environ):
    """Call the installed command; more variables of its environment by name."""

    def call(*argv, status=0, **more):
        done = subprocess.run(
            [ADDONKIT, *argv], env=environ | more, capture_output=True, text=True, check=False, timeout=120,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        return done

    return call
