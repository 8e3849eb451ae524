"""What is uninstalled is missed by name and loses nothing; installed again, everything works as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import kill_servers, left_behind
from wheelhouse.environment import Environment

WRITE = "import os, valkey; valkey.from_url(os.environ['VALKEY_URL']).set(os.environ.get('VALKEY_PREFIX', '') + 'a', 1)"
READ = (
    "import os, valkey; print(valkey.from_url(os.environ['VALKEY_URL']).get(os.environ.get('VALKEY_PREFIX', '') + 'a'))"
)
KEPT = "b'1'\n"


def use(addonkit: CommandLine, code: str) -> str:
    """Run a program of the app shop; what it prints."""
    ended = addonkit("run", "-a", "shop", "--", "python", "-c", code)
    assert ended.status == 0, ended.err
    return ended.out


@pytest.fixture
def variant() -> str:
    return "small"


@pytest.fixture
def environment(environment: Environment, variant: str) -> Environment:
    """With the Valkey addon, and an app that has data in an instance of it."""
    environment.install("addonkit-valkey[bundled]")
    created = environment.addonkit("create", f"valkey:{variant}", "-a", "shop")
    assert created.status == 0, created.err
    use(environment.addonkit, WRITE)
    return environment


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["small", "shared"])
def test_an_instance_outlives_its_addon(environment: Environment, home: Path, variant: str) -> None:
    addonkit = environment.addonkit
    shown = addonkit("env", "-a", "shop", "--reveal")
    environment.pip("uninstall", "--yes", "addonkit-valkey")

    listed = addonkit("list")
    assert listed.out.splitlines()[1].split() == ["shop-valkey", f"valkey:{variant}", "9", "shop", "active", "running"]
    assert listed.out.splitlines()[2] == "shop-valkey: addon not installed; run `pip install addonkit-valkey`"
    assert addonkit("addons").out.startswith("no addons are installed")
    assert addonkit("show", "shop-valkey", "--json").data["addon_state"] == "not installed"
    assert addonkit("doctor").out == (
        "addon-not-installed: shop-valkey: its addon valkey is away; run `pip install addonkit-valkey`\n"
    )
    assert addonkit("env", "-a", "shop", "--reveal") == shown
    kill_servers(home)
    assert use(addonkit, READ) == KEPT, "its server is started as ever"

    for words in (("--yes",), ("--dry-run",), ()):
        refused = addonkit("destroy", "shop-valkey", *words)
        assert refused.status == 1
        assert refused.err == (
            "error: cannot destroy shop-valkey: its addon valkey is not installed;"
            " run `pip install addonkit-valkey`, then try again; its data stay until then;"
            " `addonkit destroy shop-valkey --forget` forgets it and leaves what it made\n"
        )
    assert use(addonkit, READ) == KEPT

    environment.install("addonkit-valkey")
    assert "not installed" not in addonkit("list").out
    assert addonkit("doctor").out == "no problems found\n"
    assert use(addonkit, READ) == KEPT
    assert addonkit("destroy", "shop-valkey", "--yes").status == 0
    assert left_behind(home) == ()


@pytest.mark.slow
def test_what_was_interrupted_waits_for_its_addon(environment: Environment, home: Path) -> None:
    addonkit = environment.addonkit
    recorded = addonkit("create", "valkey", "-a", "blog", "--no-wait")
    assert recorded.status == 0
    assert addonkit("destroy", "shop-valkey", "--yes", "--no-wait").status == 0
    environment.pip("uninstall", "--yes", "addonkit-valkey")

    for name in ("shop-valkey", "blog-valkey"):
        refused = addonkit("retry", name)
        assert refused.status == 1
        assert f"cannot resume {name}: its addon valkey is not installed" in refused.err
    phases = {each["name"]: each["phase"] for each in addonkit("list", "--json").data["instances"]}
    assert phases == {"shop-valkey": "deprovisioning", "blog-valkey": "pending"}

    environment.install("addonkit-valkey")
    assert addonkit("retry", "blog-valkey").status == 0
    assert addonkit("retry", "shop-valkey").status == 0
    assert addonkit("destroy", "blog-valkey", "--yes").status == 0
    assert left_behind(home) == ()


@pytest.mark.slow
def test_servers_and_data_outlive_the_core(environment: Environment, home: Path) -> None:
    program = environment.folder / "bin" / "addonkit"
    url = use(environment.addonkit, "import os; print(os.environ['VALKEY_URL'])").strip()
    environment.pip("uninstall", "--yes", "addonkit", "addonkit-valkey")

    assert not program.exists()
    assert environment.run("-c", f"import valkey; print(valkey.from_url({url!r}).ping())").out == "True\n"
    environment.install("addonkit-valkey")
    assert use(environment.addonkit, READ) == KEPT
    assert environment.addonkit("destroy", "shop-valkey", "--yes").status == 0
    assert left_behind(home) == ()
