"""Fake installed distributions, and the values that hooks are asked with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from addonkit.api import (
    AddonDefinition,
    App,
    Association,
    Instance,
    ProvisionResult,
    Saga,
    Variable,
    VariantDefinition,
    hookimpl,
    step,
)
from addonkit.registry.registry import Registry

CASES = Path(__file__).parents[2] / "addons"


@pytest.fixture
def paths() -> Callable[..., list[str]]:
    """Directories of fake distributions by the names of their cases; all of them when none is named."""

    def find(*cases: str) -> list[str]:
        names = cases or sorted(each.name for each in CASES.iterdir() if each.is_dir())
        assert all((CASES / name).is_dir() for name in names)
        return [str(CASES / name) for name in names]

    return find


@pytest.fixture
def installed(monkeypatch, paths) -> Iterator[Callable[..., Registry]]:
    """Make a registry of these cases, importable for the time of the test."""
    monkeypatch.delenv("ADDONKIT_BLOCK", raising=False)
    before = set(sys.modules)

    def install(*cases: str, blocked: tuple[str, ...] = ()) -> Registry:
        where = paths(*cases)
        for each in where:
            monkeypatch.syspath_prepend(each)
        return Registry.discover(where, blocked)

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("acme_"):
            del sys.modules[name]


@pytest.fixture
def instance() -> Instance:
    return Instance("k3x9abcdef", "memo-shop", "memo", "shop", "small")


@pytest.fixture
def app() -> App:
    return App("shop")


@pytest.fixture
def association() -> Association:
    return Association("b2b2b2b2b2", "shop", "k3x9abcdef", "memo", alias="notes")


@pytest.fixture
def result() -> ProvisionResult:
    return ProvisionResult((Variable("MEMO_URL", "memo://x"), Variable("MEMO_PASSWORD", "geheim", sensitive=True)))


def _answering(**answers) -> object:
    """An addon named `test-addon`; an answer is given as it is, called, or raised."""

    def respond(answer):
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    class TestAddon:
        @hookimpl
        def addon_definition(self):
            return respond(answers.get("definition", definition))

        @hookimpl
        def addon_provision(self):
            return respond(answers.get("provision", provision))

        @hookimpl
        def addon_deprovision(self):
            return respond(answers.get("deprovision", Saga("test.deprovision", steps=[])))

        @hookimpl
        def addon_adjust_env_vars(self):
            return respond(answers.get("adjust"))

        @hookimpl
        def addon_bind(self):
            return respond(answers["bind"])

        @hookimpl
        def addon_unbind(self):
            raise NotImplementedError

        if "bind" not in answers:
            del addon_bind, addon_unbind

    return TestAddon()


@step(gives="result", undo=None)
async def give_result() -> ProvisionResult:
    """Give a result."""
    return ProvisionResult()


provision = Saga("test.provision", steps=[give_result])
definition = AddonDefinition(
    "test-addon",
    "Test",
    "For tests",
    "small",
    (
        VariantDefinition("small", config={"cpu": "500m"}, details={"Size": "small"}),
        VariantDefinition("large", config={"cpu": "2"}),
    ),
    base_image="docker.io/library/testdb",
    default_version="17",
)


@pytest.fixture
def fake() -> SimpleNamespace:
    """`answering(...)` makes an addon; `definition` and `provision` are its answers by default."""
    return SimpleNamespace(answering=_answering, definition=definition, provision=provision)


@pytest.fixture
def registry(fake) -> Registry:
    """A registry with the one addon `test-addon`."""
    made = Registry()
    made.register(fake.answering(), "test-addon")
    return made
