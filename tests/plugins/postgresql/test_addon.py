"""The hooks, as the core asks them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from addonkit import Instance, Server
from addonkit.registry.catalog import Registry
from addonkit.testing.saga_lock import check_saga_lock, sagas_in
from addonkit_postgresql import addon, sagas


def test_it_is_found_by_its_name_and_valid() -> None:
    found = Registry.discover().get("postgresql")

    assert found.distribution == "addonkit-postgresql"
    assert found.definition.default_variant == "small"
    assert [variant.name for variant in found.definition.variants] == ["small", "shared"]
    names = ["DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"]
    assert list(found.definition.variables) == names


def test_asking_it_imports_no_driver() -> None:
    code = "import sys, addonkit_postgresql.addon; sys.exit('asyncpg' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_was_recorded_counts_when_an_instance_goes() -> None:
    here = Instance("k3", "shop-postgresql", "postgresql", "shop", "shared", server="postgresql-1", claim="shop")

    assert addon.addon_deprovision(here).values == {"server_id": "postgresql-1", "claim": "shop"}


def test_who_has_left_its_server_already_still_removes_it() -> None:
    left = {"server_id": "postgresql-1", "database": "shop", "role": "shop"}
    gone = Instance("k3", "shop-postgresql", "postgresql", "shop", "shared", attributes=left)

    assert addon.addon_deprovision(gone).values == {"server_id": "postgresql-1", "claim": "shop"}


def test_who_never_had_a_server_has_nothing_to_remove() -> None:
    never = Instance("k3", "shop-postgresql", "postgresql", "shop", "shared")

    assert addon.addon_deprovision(never).values == {"server_id": "", "claim": ""}


def test_a_shared_server_is_asked_by_its_id() -> None:
    server = Server("postgresql-1", "postgresql", "shared:18")

    assert addon.addon_inspect(server).values == {"server_id": "postgresql-1"}
    assert addon.addon_drop_claim(server, "old").values == {"server_id": "postgresql-1", "claim": "old"}


def test_sagas_keep_their_shape() -> None:
    check_saga_lock(Path(__file__).with_name("sagas.lock.json"), sagas_in(sagas))
