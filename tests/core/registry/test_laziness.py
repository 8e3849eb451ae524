"""Asking for one addon imports one addon: seen from outside, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def acme_modules_after(paths, code):
    """Modules of fake addons that a new interpreter has after running this with `registry`."""
    script = (
        "import json, sys\n"
        "from addonkit.registry.registry import Registry\n"
        "registry = Registry.discover()\n"
        f"{code}\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith('acme_'))))\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("ADDONKIT_BLOCK", None)
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, env=environ, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_discovery_imports_nothing(paths):
    assert acme_modules_after(paths(), "") == []


def test_asking_for_one_addon_imports_that_one(paths):
    found = acme_modules_after(paths("good-memo", "good-vault", "import-error", "exits"), "registry.get('memo')")
    assert found == ["acme_memo"]


def test_asking_for_an_unknown_addon_imports_nothing(paths):
    code = "try:\n    registry.get('nope')\nexcept Exception as error:\n    assert 'unknown addon' in str(error)"
    assert acme_modules_after(paths("good-memo", "good-vault"), code) == []


def test_listing_imports_all_but_those_that_must_not_be(paths):
    found = acme_modules_after(
        paths("good-memo", "good-vault", "rival-one", "rival-two", "needs-newer"), "registry.list_addons()"
    )
    assert found == ["acme_memo", "acme_vault", "acme_vault.plugin"]


def test_blocking_by_the_environment_keeps_an_addon_from_being_imported(paths):
    code = (
        "import os\n"
        "os.environ['ADDONKIT_BLOCK'] = 'shunned,acme-vault'\n"
        "registry = Registry.discover()\n"
        "print(registry.list_addons())"
    )
    assert acme_modules_after(paths("good-memo", "good-vault", "blocked"), code) == ["acme_memo"]
