"""Importing is cheap: what is heavy is imported by what uses it, when it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import importlib_metadata
import pytest

DRIVERS = {"asyncpg", "psycopg", "valkey", "redis", "aiobotocore", "botocore", "boto3"}
HEAVY = DRIVERS | {"aiohttp", "cattrs", "cryptography", "psutil", "click", "sqlite3"}
ADDONS = sorted(importlib_metadata.entry_points(group="addonkit.addons"), key=lambda each: each.name)


def modules_after(code):
    """Top-level modules that a new interpreter has after running this."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, env=environ, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_importing_addonkit_imports_nothing_else():
    new = modules_after("import addonkit; addonkit.__version__") - modules_after("pass")
    assert new <= {"addonkit", *sys.stdlib_module_names}
    assert "asyncio" not in new


@pytest.mark.parametrize(
    "module",
    [
        "addonkit.api",
        "addonkit.errors",
        "addonkit.hookspecs",
        "addonkit.saga.saga",
        "addonkit.saga.step",
        "addonkit.models.compute",
        "addonkit.models.execution",
        "addonkit.models.instance",
        "addonkit.models.views",
        "addonkit.provider.framework",
        "addonkit.provider.server_sagas",
        "addonkit.store.interface",
        "addonkit.compute.interface",
        "addonkit.images.checker",
        "addonkit.models.image_reference",
        "addonkit.registry.registry",
    ],
)
def test_a_room_that_addons_need_is_light(module):
    assert modules_after(f"import {module}") & HEAVY == set()


def test_the_hookspecs_import_no_models():
    code = "import addonkit.hookspecs, sys; assert not [m for m in sys.modules if m.startswith('addonkit.models')]"
    assert "pluggy" in modules_after(code)


def test_what_makes_instances_does_not_import_what_removes_them():
    names = {"addonkit.controller.deprovisioner", "addonkit.controller.deletion", "dataclasses"}
    modules_after(f"import addonkit.kit.bootstrap, addonkit.kit.kit, sys; assert not {names} & set(sys.modules)")


@pytest.mark.parametrize("entry", ADDONS, ids=lambda each: each.name)
def test_the_entry_module_of_an_installed_addon_imports_no_driver(entry):
    code = (
        "import importlib_metadata\n"
        f"(entry,) = importlib_metadata.entry_points(group='addonkit.addons', name={entry.name!r})\n"
        "entry.load()"
    )
    assert modules_after(code) & HEAVY == set()


def test_our_addons_are_installed():
    assert {"postgresql", "s3-remote", "valkey"} <= {each.name for each in ADDONS}
