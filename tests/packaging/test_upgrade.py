"""Newer versions are installed over older ones while apps use what those made; an older core refuses a newer home."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from addonkit.store.migrate import SCHEMA_VERSION
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind
from wheelhouse.building import Wheels
from wheelhouse.environment import Environment

NEWER = "0.9"

PROGRAM = """
import asyncio, os, asyncpg, valkey

async def visits():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute("create table if not exists visits ()")
    await connection.execute("insert into visits default values")
    return await connection.fetchval("select count(*) from visits")

print(asyncio.run(visits()), valkey.from_url(os.environ["VALKEY_URL"]).incr(os.environ["VALKEY_PREFIX"] + "visits"))
"""


def visits(addonkit: CommandLine) -> str:
    """Let the app count its visits; what both stores say."""
    ended = addonkit("run", "-a", "shop", "--", "python", "-c", PROGRAM)
    assert ended.status == 0, ended.err
    return ended.out


def versions(addonkit: CommandLine) -> dict[str, str]:
    found = addonkit("addons", "--json").data["addons"]
    return {"core": addonkit("--version").out.split()[1], **{each["name"]: each["version"] for each in found}}


@pytest.mark.slow
def test_addons_and_core_are_upgraded_under_instances(environment: Environment, wheels: Wheels, home: Path) -> None:
    environment.install("addonkit-postgresql[bundled]", "addonkit-valkey[bundled]")
    addonkit = environment.addonkit
    for addon in ("postgresql:small", "valkey:shared"):
        assert addonkit("create", addon, "-a", "shop").status == 0
    shown = addonkit("env", "-a", "shop", "--reveal")
    assert visits(addonkit) == "1 1\n"
    older = versions(addonkit)

    environment.publish(*(wheels.of(f"addonkit-{name}", NEWER) for name in ("postgresql", "valkey")))
    environment.install("addonkit-postgresql", "addonkit-valkey", words=["--upgrade"])
    assert versions(addonkit) == older | {"postgresql": NEWER, "valkey": NEWER}
    assert addonkit("env", "-a", "shop", "--reveal") == shown
    assert visits(addonkit) == "2 2\n"

    environment.publish(wheels.of("addonkit", NEWER))
    environment.install("addonkit", words=["--upgrade"])
    assert versions(addonkit) == {"core": NEWER, "postgresql": NEWER, "valkey": NEWER}
    assert addonkit("doctor").out == "no problems found\n"
    assert addonkit("env", "-a", "shop", "--reveal") == shown
    assert visits(addonkit) == "3 3\n"

    for name in ("shop-postgresql", "shop-valkey"):
        destroyed = addonkit("destroy", name, "--yes")
        assert destroyed.status == 0, destroyed.err
    assert left_behind(home) == ()


@pytest.mark.slow
def test_a_newer_addon_goes_on_with_what_an_older_one_began(
    environment: Environment, wheels: Wheels, home: Path
) -> None:
    environment.install("addonkit-valkey[bundled]")
    addonkit = environment.addonkit
    assert addonkit("create", "valkey", "-a", "shop", ADDONKIT_FAULT="after:create_pool=kill").status == -9
    environment.publish(wheels.of("addonkit-valkey", NEWER))
    environment.install("addonkit-valkey", words=["--upgrade"])

    assert addonkit("retry", "shop-valkey").status == 0
    assert addonkit("list", "--json").data["instances"][0]["phase"] == "active"
    assert addonkit("destroy", "shop-valkey", "--yes").status == 0
    assert left_behind(home) == ()


def with_another_schema(project: Path) -> None:
    """Let the folder of the core know one version of the schema more."""
    store = project / "src" / "addonkit" / "store"
    newest = SCHEMA_VERSION + 1
    (store / "schema" / f"{newest:04}_later.sql").write_text("CREATE TABLE later (id TEXT PRIMARY KEY) STRICT;\n")
    text = (store / "migrate.py").read_text()
    changed, times = re.subn(r"(SCHEMA_VERSION: Final) = \d+", rf"\1 = {newest}", text)
    assert times == 1
    (store / "migrate.py").write_text(changed)


@pytest.mark.slow
def test_an_older_core_refuses_the_home_of_a_newer_one(environment: Environment, wheels: Wheels, home: Path) -> None:
    environment.install("addonkit-valkey[bundled]")
    addonkit = environment.addonkit
    assert addonkit("create", "valkey", "-a", "shop").status == 0
    shown = addonkit("env", "-a", "shop", "--reveal")
    older = addonkit("--version").out.split()[1]
    environment.publish(wheels.of("addonkit", "0.9.1", with_another_schema))
    environment.install("addonkit", words=["--upgrade"])
    assert addonkit("env", "-a", "shop", "--reveal") == shown, "the state is brought to the newer schema"

    environment.install(f"addonkit=={older}")
    for words in (["list"], ["run", "-a", "shop", "--", "true"], ["destroy", "shop-valkey", "--yes"], ["doctor"]):
        refused = addonkit(*words)
        assert (refused.status, refused.out) == (1, "")
        assert re.fullmatch(
            rf"error: cannot use the state \S+: a newer addonkit wrote it \(schema {SCHEMA_VERSION + 1}, this one knows"
            rf" {SCHEMA_VERSION}\); install the newer addonkit again\n",
            refused.err,
        ), refused.err

    environment.install("addonkit", words=["--upgrade"])
    assert addonkit("env", "-a", "shop", "--reveal") == shown
    assert addonkit("destroy", "shop-valkey", "--yes").status == 0
    assert left_behind(home) == ()
