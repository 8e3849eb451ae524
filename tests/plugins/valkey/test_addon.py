"""The addon as the core finds it, and what its parts say."""

from __future__ import annotations

import subprocess
import sys

from addonkit import ConnectionInfo, Secret
from addonkit.registry.registry import Registry
from addonkit_valkey.variables import variables


def test_it_is_found_by_its_name_and_valid() -> None:
    found = Registry.discover().get("valkey")

    assert found.distribution == "addonkit-valkey"
    assert [variant.name for variant in found.definition.variants] == ["small", "cache", "shared"]
    assert {"inspect", "drop_claim", "backup", "restore", "fingerprint", "sessions"} <= found.capabilities


def test_asking_it_imports_no_driver() -> None:
    code = "import sys, addonkit_valkey.addon; sys.exit('valkey' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_url_of_a_server_of_its_own_names_its_only_user() -> None:
    given = {v.key: v.text for v in variables(ConnectionInfo("10.0.0.1", 6379, "shop", Secret("p@ss"), shared=False))}

    assert given["VALKEY_URL"] == given["REDIS_URL"] == "redis://default:p%40ss@10.0.0.1:6379"
    assert given["VALKEY_USERNAME"] == given["REDIS_USERNAME"] == "default"
    assert list(given) == [
        f"{kind}_{name}" for kind in ("VALKEY", "REDIS") for name in ("URL", "HOST", "PORT", "USERNAME", "PASSWORD")
    ]


def test_the_url_of_a_shared_server_names_the_user_and_the_prefix_is_told() -> None:
    given = {v.key: v.text for v in variables(ConnectionInfo("::1", 6379, "shop", Secret("pw"), shared=True))}

    assert given["VALKEY_URL"] == given["REDIS_URL"] == "redis://shop:pw@[::1]:6379"
    assert given["VALKEY_USERNAME"] == given["REDIS_USERNAME"] == "shop"
    assert given["VALKEY_PREFIX"] == given["REDIS_PREFIX"] == "shop:"
