"""The test class that an author subclasses: `class TestAcme(AddonConformance): addon = "acme"`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from inspect import getattr_static
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from addonkit.errors import AddonkitError
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.administrator import AdministratorChecks
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.client import ConformanceClient, find_client
from addonkit.testing.conformance.copies import CopyChecks
from addonkit.testing.conformance.crash_points import crashes, failures
from addonkit.testing.conformance.crashes import CrashChecks
from addonkit.testing.conformance.data import DataChecks
from addonkit.testing.conformance.definitions import DefinitionChecks
from addonkit.testing.conformance.disks import DiskChecks
from addonkit.testing.conformance.exposure import ExposureChecks
from addonkit.testing.conformance.hooks import HookChecks
from addonkit.testing.conformance.isolation import IsolationChecks
from addonkit.testing.conformance.lifecycles import LifeCycleChecks
from addonkit.testing.conformance.limits import LimitChecks
from addonkit.testing.conformance.listening import ListeningChecks
from addonkit.testing.conformance.logins import LoginChecks
from addonkit.testing.conformance.moves import MoveChecks
from addonkit.testing.conformance.options import OptionChecks
from addonkit.testing.conformance.promises import PromiseChecks
from addonkit.testing.conformance.rig import Rig, rigged, serving
from addonkit.testing.conformance.rights import RightsChecks
from addonkit.testing.conformance.rotation import RotationChecks
from addonkit.testing.conformance.secrets import SecretChecks
from addonkit.testing.conformance.settings import SettingsChecks
from addonkit.testing.conformance.variables import VariableChecks

_CASES: Final = pytest.StashKey[dict[str, dict[str, list[Any]]]]()
"""Cases by addon, for a run of pytest."""

_WHOLE: Final = pytest.StashKey[set[type]]()
"""Classes whose checks are known to be the kit's own, for a run of pytest."""

_HIDING: Final = frozenset({"skip", "skipif", "xfail"})
"""Marks by which a class would keep its checks from counting."""


class AddonConformance(
    # pytest runs them from the last to the first: what is quick and telling comes before what is long.
    CrashChecks,
    DataChecks,
    CopyChecks,
    MoveChecks,
    LimitChecks,
    DiskChecks,
    SecretChecks,
    SettingsChecks,
    OptionChecks,
    ListeningChecks,
    VariableChecks,
    PromiseChecks,
    ExposureChecks,
    RightsChecks,
    RotationChecks,
    AdministratorChecks,
    LoginChecks,
    IsolationChecks,
    HookChecks,
    LifeCycleChecks,
    DefinitionChecks,
):
    """Everything an addon promises, tried on a real server. Its tests cannot be replaced, only added to.

    Attributes:
        addon: name of the installed addon.
        client: how an app uses it; default is the one its distribution names, see ConformanceClient.
        lock: file with the shapes of its sagas; default is `<addon>.sagas.json` beside the subclass.
    """

    addon: ClassVar[str]
    client: ClassVar[ConformanceClient | None] = None
    lock: ClassVar[Path | None] = None

    def __init_subclass__(cls, **named: Any) -> None:
        """Refuse a subclass that replaces what it is to be judged by."""
        super().__init_subclass__(**named)
        _check_whole(cls)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test for each variant, failing step and point of crash that the addon itself names."""
        whole = metafunc.config.stash.setdefault(_WHOLE, set())
        if type(self) not in whole:
            _check_whole(type(self))
            whole.add(type(self))
        wanted = {"variant", "failing", "crash"}.intersection(metafunc.fixturenames)
        if not wanted:
            return
        found = metafunc.config.stash.setdefault(_CASES, {})
        if self.addon not in found:  # asking the addon takes longer than all else of a collection
            found[self.addon] = _cases(self.addon)
        cases = found[self.addon]
        for name in wanted:
            metafunc.parametrize(name, cases[name], ids=[str(case) for case in cases[name]])

    @pytest.fixture(autouse=True)
    def applies(self, request: pytest.FixtureRequest) -> None:
        """Leave out a check that the addon's client declares not applicable, with its reason."""
        name = str(request.node.originalname).removeprefix("test_")
        case = str(request.node.name).partition("[")[1:]
        declared = self._declared()
        reason = declared.get(name) or declared.get(name + "".join(case))
        if hasattr(AddonConformance, f"test_{name}") and reason:
            not_applicable(reason)

    @pytest.fixture
    def declared(self) -> Mapping[str, str]:
        """Return what the addon's client declares not applicable."""
        return self._declared()

    @pytest.fixture
    def addon_name(self) -> str:
        """Name of the addon under test."""
        return self.addon

    @pytest.fixture
    def lock_file(self) -> Path:
        """Return where the shapes of its sagas are kept."""
        return self.lock or Path(inspect.getfile(type(self))).with_name(f"{self.addon}.sagas.json")

    @pytest.fixture(scope="class")
    @classmethod
    def service_settings(cls) -> Iterator[Mapping[str, str]]:
        """Yield settings of the service that the addon needs, if any; one serves all checks."""
        with serving(cls._app()) as settings:
            yield settings

    @pytest.fixture
    def rig(self, service_settings: Mapping[str, str], request: pytest.FixtureRequest) -> Iterator[Rig]:
        """Make a world of the test's own."""
        with rigged(self.addon, self._app(), service_settings, request.node.user_properties) as rig:
            yield rig

    @classmethod
    def _declared(cls) -> Mapping[str, str]:
        try:
            return cls._app().not_applicable
        except AddonkitError:  # an addon without a client fails where it is needed
            return {}

    @classmethod
    def _app(cls) -> ConformanceClient:
        return cls.client or find_client(cls.addon)


def _check_whole(cls: type[AddonConformance]) -> None:
    """Make sure that every check is the kit's own: no class, base class or other module replaced one."""
    settings = {"addon", "client", "lock"}
    own = [name for name in dir(AddonConformance) if not name.startswith("__") and name not in settings]
    replaced = [name for name in own if getattr_static(cls, name) is not getattr_static(AddonConformance, name)]
    if replaced:
        raise TypeError(f"{cls.__name__} replaces {', '.join(replaced)} of the conformance kit; give it another name")
    if any(mark.name in _HIDING for mark in _marks(cls)):
        raise TypeError(f"{cls.__name__} skips the conformance kit; take the mark away, or the whole class")


def _marks(cls: type) -> list[pytest.Mark]:
    found = getattr(cls, "pytestmark", [])
    listed = found if isinstance(found, list) else [found]
    return [each.mark if isinstance(each, pytest.MarkDecorator) else each for each in listed]


def _cases(addon: str) -> dict[str, list[Any]]:
    try:
        under_test = AddonUnderTest.find(addon)
    except AddonkitError:  # which is what test_the_definition_is_valid is about
        return {"variant": [], "failing": [], "crash": []}
    return {"variant": list(under_test.variants), "failing": failures(under_test), "crash": crashes(under_test)}
