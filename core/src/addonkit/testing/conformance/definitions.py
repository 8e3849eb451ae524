"""Checks of what an addon says about itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from addonkit.errors import AddonkitError
from addonkit.identifiers import variable_prefix
from addonkit.models.instance import Association
from addonkit.models.result import ProvisionResult
from addonkit.models.variable import Variable
from addonkit.registry.collisions import adjustment_fault
from addonkit.testing.conformance.subject import Subject
from addonkit.testing.conformance.verdict import fail, require
from addonkit.testing.saga_lock import begin_saga_lock, check_saga_lock

_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]*")

_LOAD: Final = """
import json, sys
import addonkit.addon
from addonkit.registry.catalog import Registry
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
        """The registry takes the addon."""
        try:
            Subject.find(addon_name)
        except AddonkitError as error:
            fail(f"addon {addon_name} does not load: {error}", "mend what is named; `addonkit addons -v` shows traces")

    def test_it_loads_without_its_drivers(self, addon_name: str) -> None:
        """Listing addons must not cost the import of every client library."""
        command = [sys.executable, "-c", _LOAD, addon_name]
        loaded = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
        own = Subject.find(addon_name).addon.relay.found.value.partition(":")[0].partition(".")[0]
        strangers = sorted(set(loaded) - {own} - _LIGHT - sys.stdlib_module_names)
        require(
            not strangers,
            f"loading it imports {', '.join(strangers)}",
            "import client libraries inside the functions that use them",
        )

    def test_names_of_variables_are_legal(self, addon_name: str) -> None:
        """A shell can export every one, and each is told beforehand."""
        definition = Subject.find(addon_name).definition
        for variant in definition.variants:
            names = definition.variables_of(variant.name)
            require(names, f"variant {variant.name} names no variables", "list them in the definition's `variables`")
            for name in names:
                require(
                    _KEY.fullmatch(name),
                    f"variable {name!r} of variant {variant.name} is not a legal name",
                    "use capital letters, digits and underscores, a letter first",
                )

    def test_shapes_of_sagas_are_locked(self, addon_name: str, lock_file: Path) -> None:
        """An execution that an upgrade interrupts must find the steps it knows."""
        sagas = Subject.find(addon_name).sagas()
        begin_saga_lock(lock_file, sagas)
        try:
            check_saga_lock(lock_file, sagas)
        except AssertionError as error:
            fail(str(error), f"raise the version of a saga whose steps change, and commit {lock_file.name}")

    def test_colliding_variables_move_together(self, addon_name: str) -> None:
        """All or none, to exact names, always the same ones, whatever is taken."""
        subject = Subject.find(addon_name)
        association = Association("kit", "kit", "kit", addon_name, alias="second", primary=False)
        for variant in subject.variants:
            names = subject.definition.variables_of(variant)
            result = ProvisionResult(tuple(Variable(name, "value") for name in names))
            for taken in ((), *((name,) for name in names), names):
                _check_adjusted(subject, result, association, taken)


def _check_adjusted(
    subject: Subject, result: ProvisionResult, association: Association, taken: Collection[str]
) -> None:
    try:
        answers = [subject.addon.adjust_env_vars(result, association, tuple(taken)) for _ in range(2)]
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
