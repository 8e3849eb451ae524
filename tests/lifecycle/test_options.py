"""Options hold: what is asked for is what the server says, or the former values stay."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind

ASK = """
import asyncio, json, os, sys
import asyncpg

async def ask():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    names = sys.argv[1:]
    print(json.dumps({name: await connection.fetchval(f"SHOW {name}") for name in names}))
    await connection.close()

asyncio.run(ask())
"""


def shown(command: CommandLine, *names: str, app: str = "shop") -> dict[str, str]:
    asked = command("run", "-a", app, "--", sys.executable, "-c", ASK, *names)
    assert asked.status == 0, asked.err
    answer: dict[str, str] = json.loads(asked.out)
    return answer


def said(command: CommandLine, *names: str) -> dict[str, str]:
    """What a store says of its settings."""
    ask = (
        "import json, os, sys, valkey\n"
        "client = valkey.Valkey.from_url(os.environ['VALKEY_URL'], decode_responses=True)\n"
        "print(json.dumps(client.config_get(*sys.argv[1:])))"
    )
    asked = command("run", "-a", "shop", "--", sys.executable, "-c", ask, *names)
    assert asked.status == 0, asked.err
    answer: dict[str, str] = json.loads(asked.out)
    return answer


def options(command: CommandLine, name: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in command("set", name, "--json").data["options"]}


def test_what_is_asked_for_is_what_the_server_says(addonkit_command: CommandLine, home: Path) -> None:
    call = addonkit_command
    for wrong, found in (
        ("max_conections=9", "did you mean max_connections?"),
        ("max_connections=2", "it is less than 5; use 5 to 5000"),
    ):
        refused = call("create", "postgresql", "-a", "shop", "--set", wrong)
        assert (refused.status, refused.err.count("\n")) == (1, 1)
        assert found in refused.err
    assert call("list", "--json").data["instances"] == [], "nothing was stored"

    created = call("create", "postgresql", "-a", "shop", "--set", "max_connections=30", "--set", "locale=C")
    assert created.status == 0, created.err
    assert shown(call, "max_connections")["max_connections"] == "33", "three of them are the administrator's"
    asked = call("set", "shop-postgresql", "max_connections=20")
    assert asked.status == 1
    assert "add --yes" in asked.err
    done = call("set", "shop-postgresql", "max_connections=20", "work_mem=8mb", "statement_timeout=90s", "--yes")
    assert done.status == 0, done.err
    assert "max_connections 30 -> 20; its server was restarted" in done.out
    assert shown(call, "max_connections", "work_mem", "statement_timeout") == {
        "max_connections": "23",
        "work_mem": "8MB",
        "statement_timeout": "90s",
    }

    unfit = call("set", "shop-postgresql", "timezone=Europe/Nowhere")
    assert unfit.status == 1
    assert 'invalid value for parameter "TimeZone"' in unfit.err
    heavy = call("set", "shop-postgresql", "shared_buffers=64GB", "work_mem=4MB", "--yes")
    if heavy.status:  # most machines have less memory
        assert "the former values are in force" in heavy.err
        assert "could not be changed" in call("show", "shop-postgresql").out
        assert shown(call, "shared_buffers", "work_mem") == {"shared_buffers": "32MB", "work_mem": "8MB"}
    assert call("set", "shop-postgresql", "--reset", "work_mem", "storage=5Gi").status == 0
    assert shown(call, "work_mem")["work_mem"] == "4MB"
    assert options(call, "shop-postgresql") | {"storage": "5Gi", "locale": "C", "work_mem": None} == options(
        call, "shop-postgresql"
    )
    assert "at create only" in call("set", "shop-postgresql", "locale=de-DE").err

    cloned = call("clone", "shop-postgresql", "-a", "copy")
    assert cloned.status == 0, cloned.err
    assert shown(call, "max_connections", "statement_timeout", app="copy") == {
        "max_connections": "23",
        "statement_timeout": "90s",
    }
    assert call("show", "copy-postgresql", "--json").data["options"]["max_connections"] == "20"
    for name in ("shop-postgresql", "copy-postgresql"):
        assert call("destroy", name, "--yes").status == 0
    assert left_behind(home) == ()


def test_tenants_of_a_shared_server_have_values_of_their_own(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    assert call("create", "postgresql:shared", "-a", "shop", "--set", "statement_timeout=5s").status == 0
    assert call("create", "postgresql:shared", "-a", "blog").status == 0

    assert shown(call, "statement_timeout", "temp_file_limit") == {"statement_timeout": "5s", "temp_file_limit": "2GB"}
    assert shown(call, "statement_timeout", "idle_in_transaction_session_timeout", app="blog") == {
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "1h",
    }
    refused = call("set", "blog-postgresql", "max_connections=10")
    assert "holds for the whole server" in refused.err
    assert call("clone", "shop-postgresql", "-a", "copy").status == 0
    assert shown(call, "statement_timeout", "temp_file_limit", app="copy") == {
        "statement_timeout": "5s",
        "temp_file_limit": "2GB",
    }, "a copy has the options of its instance, also those that only an administrator can set"
    unlimited = call(
        *("run", "-a", "blog", "--", sys.executable, "-c"),
        "import asyncio, asyncpg, os\n"
        "async def ask():\n"
        "    connection = await asyncpg.connect(os.environ['DATABASE_URL'])\n"
        "    for words in ('SET temp_file_limit = -1', 'ALTER DATABASE blog RESET temp_file_limit',\n"
        "                  'ALTER DATABASE blog SET temp_file_limit = -1'):\n"
        "        try:\n"
        "            await connection.execute(words)\n"
        "        except asyncpg.InsufficientPrivilegeError:\n"
        "            print('refused')\n"
        "asyncio.run(ask())",
    )
    assert unlimited.out == "refused\n" * 3, unlimited.err
    assert shown(call, "temp_file_limit", app="blog")["temp_file_limit"] == "2GB"


def test_a_backup_from_before_an_option_changed_comes_back(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    assert call("create", "postgresql:shared", "-a", "shop", "--set", "statement_timeout=5s").status == 0
    by_hand = (
        "import asyncio, asyncpg, os\n"
        "async def ask():\n"
        "    connection = await asyncpg.connect(os.environ['DATABASE_URL'])\n"
        "    await connection.execute('ALTER DATABASE shop SET statement_timeout = 9000')\n"
        "    await connection.execute('ALTER DATABASE shop SET lock_timeout = 8000')\n"
        "asyncio.run(ask())"
    )
    assert call("run", "-a", "shop", "--", sys.executable, "-c", by_hand).status == 0

    made = call("backup", "create", "shop-postgresql")
    assert (made.status, "verified: restored and compared" in made.out) == (0, True), made.err
    assert call("set", "shop-postgresql", "statement_timeout=7s").status == 0
    restored = call("restore", "shop-postgresql")

    assert restored.status == 0, restored.err
    found = shown(call, "statement_timeout", "lock_timeout")
    assert found == {"statement_timeout": "7s", "lock_timeout": "8s"}, "what is no option stays as the app set it"


@pytest.mark.all_day("before:change_tenant")
@pytest.mark.parametrize("point", ["after:change_server", "before:change_tenant", "after:change_tenant"])
def test_a_set_that_was_killed_is_completed(addonkit_command: CommandLine, point: str) -> None:
    call = addonkit_command
    assert call("create", "valkey", "-a", "shop").status == 0

    killed = call(
        *("set", "shop-valkey", "maxmemory=64MB", "maxmemory-policy=allkeys-lfu", "--yes"),
        ADDONKIT_FAULT=f"{point}=kill",
    )
    assert killed.status == -signal.SIGKILL, killed.err
    assert "run `addonkit retry shop-valkey` to complete it" in call("show", "shop-valkey").out
    again = call("retry", "shop-valkey")

    assert again.status == 0, again.err
    assert options(call, "shop-valkey") | {"maxmemory": "64MB", "maxmemory-policy": "allkeys-lfu"} == options(
        call, "shop-valkey"
    )
    wanted = {"maxmemory": "67108864", "maxmemory-policy": "allkeys-lfu"}
    assert said(call, "maxmemory", "maxmemory-policy") == wanted
    assert call("doctor").status == 0


def test_a_change_that_fails_at_any_step_leaves_the_former_values(addonkit_command: CommandLine) -> None:
    call = addonkit_command
    assert call("create", "valkey", "-a", "shop").status == 0

    for point in ("before:change_server", "after:change_server", "after:change_tenant"):
        failed = call(
            *("set", "shop-valkey", "timeout=60", "maxmemory-policy=allkeys-lfu"), ADDONKIT_FAULT=f"{point}=raise"
        )
        assert failed.status == 1, point
        assert "the former values are in force" in failed.err
        assert said(call, "timeout", "maxmemory-policy") == {"timeout": "0", "maxmemory-policy": "noeviction"}, point
    assert call("retry", "shop-valkey").status == 0
    assert options(call, "shop-valkey")["timeout"] == "60", "the change is tried again"


def test_a_file_says_which_options_an_app_has(addonkit_command: CommandLine, tmp_path: Path) -> None:
    call = addonkit_command
    file = tmp_path / "addonkit.toml"
    file.write_text("[apps.shop.addons.valkey.options]\ntimeout = 30\n")
    assert call("manifest", "apply", str(file), "--yes").status == 0
    assert options(call, "shop-valkey")["timeout"] == "30"

    file.write_text("[apps.shop.addons.valkey.options]\ntimeout = 45\n")
    assert "configure valkey of shop: timeout=45" in call("manifest", "plan", str(file)).out
    assert call("manifest", "apply", str(file), "--yes").status == 0

    assert 'timeout = "45"' in call("manifest", "export").out
    assert call("manifest", "plan", str(file)).out == "nothing to do\n"
    file.write_text("[apps.shop.addons.valkey.options]\ntimeuot = 45\n")
    assert "did you mean timeout?" in call("manifest", "plan", str(file)).err
