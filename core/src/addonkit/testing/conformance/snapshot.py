"""Everything an addon answers without doing anything, as a value to be compared: `python -m ...snapshot NAME`.

What differs between two processes, or between a test and real life, would orphan executions or hide what is there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

import attrs

from addonkit.models.instance import Association
from addonkit.models.result import ProvisionResult
from addonkit.models.variable import Variable
from addonkit.testing.conformance.addon_under_test import AddonUnderTest

Snapshot = Mapping[str, Any]

_OF_TESTS: Final = ("PYTEST_", "CONFORMANCE_", "ADDONKIT_")


def take_snapshot(name: str) -> Snapshot:
    """Return what an addon answers in this process."""
    under_test = AddonUnderTest.find(name)
    return {
        "hooks": sorted(under_test.addon.hooks),
        "definition": json.loads(json.dumps(attrs.asdict(under_test.definition), default=str)),
        "sagas": {variant: _shapes(under_test, variant) for variant in under_test.variants},
        "new names": {variant: _names(under_test, variant) for variant in under_test.variants},
    }


def snapshot_elsewhere(name: str, seed: int) -> Snapshot:
    """Return what it answers in a process of its own, which knows of no test; `seed` is that of hashes.

    Raises:
        RuntimeError: with the end of what it said, when it does not answer there.
    """
    environ = {key: value for key, value in os.environ.items() if not key.startswith(_OF_TESTS)}
    command = [sys.executable, "-m", __name__, name]
    ended = subprocess.run(  # noqa: S603 - our own module
        command, env=environ | {"PYTHONHASHSEED": str(seed)}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(ended.stderr.strip().rpartition("\n")[2])
    found: Snapshot = json.loads(ended.stdout.splitlines()[-1])
    return found


def _shapes(under_test: AddonUnderTest, variant: str) -> list[dict[str, Any]]:
    return [
        {"name": saga.name, **saga.shape()} for saga in (*under_test.creating(variant), *under_test.destroying(variant))
    ]


def _names(under_test: AddonUnderTest, variant: str) -> list[str]:
    names = under_test.definition.variables_of(variant)
    result = ProvisionResult(tuple(Variable(name, "value") for name in names))
    association = Association("kit", "kit", "kit", under_test.addon.name, alias="second", primary=False)
    return [each.key for each in under_test.addon.adjust_env_vars(result, association, names)]


if __name__ == "__main__":
    print(json.dumps(take_snapshot(sys.argv[1])))  # noqa: T201 - what it is for
