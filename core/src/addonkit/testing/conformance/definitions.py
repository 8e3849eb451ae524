"""Checks of what an addon says about itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from addonkit.errors import AddonkitError
from addonkit.models.identifiers import variable_prefix
from addonkit.models.instance import Association
from addonkit.models.result import ProvisionResult
from addonkit.models.variable import Variable
from addonkit.registry.collisions import adjustment_fault
from addonkit.registry.loader import ADDON_HOOKS, import_object
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.snapshot import Snapshot, snapshot_elsewhere, take_snapshot
from addonkit.testing.saga_lock import begin_saga_lock, check_saga_lock

_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]*")

_LOAD: Final = """
import json, sys
import addonkit.api
from addonkit.registry.registry import Registry
registry = Registry.discover()
before = set(sys.modules)
registry.get(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""

_LIGHT: Final = frozenset({"addonkit", "attr", "attrs", "importlib_metadata", "packaging", "zipp"})
"""What the core has imported anyway, or is as light."""


class DefinitionChecks:
    """Nothing here provisions anything."""

    def test_the_definition_is_valid(self, addon_name: str) -> None:
        """The registry takes the addon, and every hook that it has."""
        try:
            addon = AddonUnderTest.find(addon_name).addon
        except AddonkitError as error:
            fail(f"addon {addon_name} does not load: {error}", "fix what is named; `addonkit addons -v` shows traces")
        plugin = import_object(addon.relay.entry)
        named = {name for name in ADDON_HOOKS if callable(getattr(plugin, name, None))}
        forgotten = sorted(named - addon.hooks)
        require(
            not forgotten,
            f"the core never calls its {', '.join(forgotten)}",
            "mark hooks with @hookimpl, or rename what is none",
        )

    def test_what_is_not_applicable_is_a_check(self, addon_name: str, declared: Mapping[str, str]) -> None:
        """A check that is declared not applicable exists, and the reason says why."""
        known = {name.removeprefix("test_") for name in dir(type(self)) if name.startswith("test_")}
        strange = [
            name for name, reason in declared.items() if name.partition("[")[0] not in known or not reason.strip()
        ]
        require(
            not strange,
            f"the client of {addon_name} declares {', '.join(strange)} not applicable",
            "name checks as pytest does, without `test_`, each with a reason",
        )

    def test_it_loads_without_its_drivers(self, addon_name: str) -> None:
        """Listing addons must not cost the import of every client library."""
        command = [sys.executable, "-c", _LOAD, addon_name]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        require(not ended.returncode, f"it does not load: {ended.stderr[-500:]}", "fix what is named")
        loaded = json.loads(ended.stdout.splitlines()[-1])
        own = AddonUnderTest.find(addon_name).package
        strangers = sorted(set(loaded) - {own} - _LIGHT - sys.stdlib_module_names)
        require(
            not strangers,
            f"loading it imports {', '.join(strangers)}",
            "import client libraries inside the functions that use them",
        )

    def test_names_of_variables_are_legal(self, addon_name: str) -> None:
        """A shell can export every one, and the definition names each."""
        definition = AddonUnderTest.find(addon_name).definition
        for variant in definition.variants:
            names = definition.variables_of(variant.name)
            require(names, f"variant {variant.name} names no variables", "list them in the definition's `variables`")
            for name in names:
                require(
                    _KEY.fullmatch(name),
                    f"variable {name!r} of variant {variant.name} is not a legal name",
                    "use capital letters, digits and underscores, a letter first",
                )

    def test_it_answers_the_same_everywhere(self, addon_name: str) -> None:
        """Asked again, in another process or outside of a test: the same hooks, sagas and names."""
        here = take_snapshot(addon_name)
        _check_same("asked a second time", here, take_snapshot(addon_name))
        for seed in (1, 2):
            try:
                there = snapshot_elsewhere(addon_name, seed)
            except RuntimeError as error:
                fail(
                    f"in a process of its own it does not answer: {error}", "let hooks depend on their arguments alone"
                )
            _check_same("in a process of its own", here, there)

    def test_shapes_of_sagas_are_locked(self, addon_name: str, lock_file: Path) -> None:
        """An execution that an upgrade interrupts must find the steps it knows. The first run writes the file."""
        sagas = AddonUnderTest.find(addon_name).sagas()
        try:
            begin_saga_lock(lock_file, sagas)
            check_saga_lock(lock_file, sagas)
        except (AssertionError, ValueError) as error:
            advice = "raise the version of a saga whose steps change, give each saga a name of its own, commit the file"
            fail(f"{lock_file.name}: {error}", advice)

    def test_colliding_variables_move_together(self, addon_name: str) -> None:
        """All or none, to exact names, always the same ones, whatever is taken."""
        under_test = AddonUnderTest.find(addon_name)
        second, third = (
            Association("kit", "kit", "kit", addon_name, alias=alias, primary=False) for alias in ("second", "third")
        )
        for variant in under_test.variants:
            names = under_test.definition.variables_of(variant)
            result = ProvisionResult(tuple(Variable(name, "value") for name in names))
            for taken in ((), *((name,) for name in names), names):
                _check_adjusted(under_test, result, second, taken)
            moved = tuple(each.key for each in under_test.addon.adjust_env_vars(result, second, names))
            _check_adjusted(under_test, result, third, (*names, *moved))


def _check_same(where: str, here: Snapshot, there: Snapshot) -> None:
    for what, answer in here.items():
        require(
            there[what] == answer,
            f"{where} it has other {what}: {_difference(answer, there[what])}",
            "let hooks, and what they answer, depend on their arguments alone",
        )


def _difference(here: Any, there: Any) -> str:
    """Return the first part of two values that is not equal."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted({*here, *there}):
            if here.get(key) != there.get(key):
                return f"{key}: {_difference(here.get(key), there.get(key))}"
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        return next((_difference(a, b) for a, b in zip(here, there, strict=True) if a != b), "nothing")
    return f"{there} instead of {here}"


def _check_adjusted(
    under_test: AddonUnderTest, result: ProvisionResult, association: Association, taken: Collection[str]
) -> None:
    try:
        answers = [under_test.addon.adjust_env_vars(result, association, tuple(taken)) for _ in range(2)]
    except AddonkitError as error:
        fail(
            f"with {', '.join(taken)} taken: {error}",
            "answer addon_adjust_env_vars with every variable, or leave it out",
        )
    require(
        answers[0] == answers[1],
        f"with {', '.join(taken)} taken it answers differently each time",
        "derive new names from the association alone",
    )
    fault = adjustment_fault(result, answers[0], taken)
    require(not fault, f"with {', '.join(taken)} taken: {fault}", "rename the whole set, or nothing of it")
    prefix = variable_prefix(association.label)
    strange = [each.key for each in answers[0] if taken and not _KEY.fullmatch(each.key)]
    require(not strange, f"new names are not legal: {', '.join(strange)}", f"put {prefix} in front of the plain names")
