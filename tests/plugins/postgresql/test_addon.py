"""The hooks, as the core asks them."""

from __future__ import annotations

import subprocess
import sys

from addonkit.registry.registry import Registry


def test_it_is_found_by_its_name_and_valid() -> None:
    found = Registry.discover().get("postgresql")

    assert found.distribution == "addonkit-postgresql"
    assert found.definition.default_variant == "small"
    assert [variant.name for variant in found.definition.variants] == ["small", "shared"]
    parts = ("HOST", "PORT", "USER", "PASSWORD", "DATABASE", "SSLMODE", "REQUIREAUTH")
    names = ["DATABASE_URL", *(f"PG{part}" for part in parts)]
    assert list(found.definition.variables) == names


def test_asking_it_imports_no_driver() -> None:
    code = "import sys, addonkit_postgresql.addon; sys.exit('asyncpg' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
