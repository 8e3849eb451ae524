"""A file says what apps are to have; the command makes it so and loses nothing that it does not name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import addonkit
from addonkit.errors import Conflict
from addonkit.models.manifest import parse_manifest
from addonkit.testing.command import CommandLine, Ended

TEXT = """
[apps.shop.variables]
DEBUG = "1"

[apps.shop.addons.valkey]
addon = "valkey:shared"

[apps.shop.addons.sessions]
addon = "valkey:shared"

[apps.blog.addons.theirs]
attach = "shop-valkey"
"""


CLIENT = """\
import os, valkey
prefix = os.environ.get("VALKEY_PREFIX", "")
client = valkey.Valkey.from_url(os.environ["VALKEY_URL"])
"""


@pytest.fixture
def apply(addonkit_command: CommandLine, tmp_path: Path):
    def apply(text: str, *words: str) -> Ended:
        file = tmp_path / "addonkit.toml"
        file.write_text(text)
        return addonkit_command("manifest", "apply", str(file), "--yes", *words)

    return apply


def test_apps_get_what_the_file_says_and_lose_only_what_is_pruned(
    addonkit_command: CommandLine, apply, tmp_path: Path
) -> None:
    addonkit = addonkit_command
    assert addonkit("create", "valkey:shared", "-a", "other").status == 0

    made = apply(TEXT)

    assert (made.status, made.out) == (0, "4 changes applied\n"), made
    keys = {each["key"] for each in addonkit("env", "-a", "shop", "--json").data["variables"]}
    assert {"DEBUG", "VALKEY_URL", "SESSIONS_VALKEY_URL"} <= keys
    assert addonkit("env", "get", "-a", "blog", "THEIRS_VALKEY_URL").status == 0
    assert apply(TEXT).out == "nothing to do\n"

    less = TEXT.replace('DEBUG = "1"', "").replace("sessions", "queue")
    kept = apply(less)
    assert "kept, as the file does not name it: shop: sessions (--prune removes it)" not in kept.out
    assert addonkit("show", "shop-sessions", "--no-start").status == 0
    file = tmp_path / "addonkit.toml"
    file.write_text(less.replace("[apps.shop.variables]", '[apps.shop.variables]\nVALKEY_HOST = "x"'))
    planned = addonkit("manifest", "plan", str(file), "--prune").out.splitlines()
    assert "moved in shop: VALKEY_URL would be VALKEY_VALKEY_URL: VALKEY_HOST is set by hand" in planned, planned
    assert "gone: shop: SESSIONS_VALKEY_URL" in planned, "what is destroyed takes its variables along"
    assert not any(line.startswith("gone: shop: VALKEY_") for line in planned), planned
    pruned = apply(less, "--prune")
    assert (pruned.status, pruned.out) == (0, "2 changes applied\n"), pruned
    assert addonkit("show", "shop-sessions", "--no-start").status == 1
    assert addonkit("show", "other-valkey", "--no-start").status == 0, "an app that the file does not name"

    exported = addonkit("manifest", "export")
    assert apply(exported.out).out == "nothing to do\n", exported.out
    assert apply("[apps.shop]\n[apps.blog]\n[apps.other]", "--prune").status == 0
    assert addonkit("apps", "--json").data["apps"] == []


async def test_only_the_plan_that_was_shown_is_applied(kit: addonkit.Kit) -> None:
    await kit.set_variables("shop", {"DEBUG": "1", "LEVEL": "info"})
    wanted = parse_manifest('[apps.shop.variables]\nDEBUG = "2"', "addonkit.toml")
    meanwhile = (
        lambda: kit.set_variables("shop", {"DEBUG": "3"}),
        lambda: kit.unset_variables("shop", ["LEVEL"]),
        lambda: kit.set_variables("shop", {"MORE": "1"}),
    )
    for change in meanwhile:
        shown = await kit.manifests.plan(wanted, prune=True)
        await change()
        with pytest.raises(Conflict, match="something changed since the plan was shown"):
            await anext(kit.manifests.apply(wanted, shown, prune=True))
    shown = await kit.manifests.plan(wanted, prune=True)
    assert [change.subject async for change in kit.manifests.apply(wanted, shown, prune=True)] == ["DEBUG", "MORE"]
    assert not (await kit.manifests.plan(wanted, prune=True)).changes


def test_schedules_and_branches_are_part_of_the_file(addonkit_command: CommandLine, apply, tmp_path: Path) -> None:
    addonkit, checkout = addonkit_command, tmp_path / "checkout"
    subprocess.run(["git", "init", "-qb", "main", str(checkout)], check=True)
    text = f"""
[apps.shop.branches]
directory = "{checkout}"
base = "main"

[apps.shop.addons.valkey]
addon = "valkey:shared"
schedule = {{ cron = "0 3 * * *", keep = "7d4w" }}
"""
    wrong = apply(text.replace("0 3 * * *", "never"))
    assert (wrong.status, "is no" in wrong.err or "schedule" in wrong.err) == (1, True), wrong.err
    assert apply(text.replace(str(checkout), str(tmp_path))).status == 1
    assert addonkit("apps", "--json").data["apps"] == []

    made = apply(text)
    assert (made.status, made.out) == (0, "3 changes applied\n"), made
    assert "done: schedule valkey of shop: 0 3 * * *, keep 7d4w" in made.err
    assert f"done: bind shop to the git repository of {checkout}, base main" in made.err
    (schedule,) = addonkit("backup", "schedules", "--json").data["schedules"]
    assert (schedule["cron"], schedule["keep"]) == ("0 3 * * *", "7d4w"), schedule
    assert apply(text).out == "nothing to do\n"
    exported = addonkit("manifest", "export").out
    assert apply(exported).out == "nothing to do\n", exported
    assert apply(text.replace("0 3", "30 4")).out == "1 change applied\n"
    unknown = apply(text.replace("keep =", "kept ="))
    assert "kept is not known; did you mean 'keep'?" in unknown.err


def test_what_cannot_be_changed_is_a_problem_and_nothing_is_applied(addonkit_command: CommandLine, apply) -> None:
    assert addonkit_command("create", "valkey:shared", "-a", "shop").status == 0

    for text, problem in (
        (TEXT.replace('addon = "valkey:shared"', 'addon = "valkey:shared"\nsocket = true', 1), "uses its port"),
        (
            TEXT.replace(
                '[apps.shop.addons.valkey]\naddon = "valkey:shared"', '[apps.shop.addons.valkey]\naddon = "postgresql"'
            ),
            "is of valkey",
        ),
    ):
        refused = apply(text)
        assert (refused.status, problem in refused.out) == (1, True), refused
        assert addonkit_command("show", "shop-sessions", "--no-start").status == 1
    wrong = apply(TEXT.replace("valkey:shared", "valkey:huge"))
    assert (wrong.status, wrong.out) == (1, "")
    assert 'unknown variant "huge"' in wrong.err
    assert addonkit_command("destroy", "shop-valkey", "--yes").status == 0


@pytest.mark.slow
def test_another_variant_moves_the_data_and_a_role_is_kept(
    addonkit_command: CommandLine, apply, tmp_path: Path
) -> None:
    addonkit = addonkit_command
    text = TEXT.replace('attach = "shop-valkey"', 'attach = "shop-valkey"\nrole = "read-only"')
    typo = apply(text.replace("read-only", "reader"))
    assert (typo.status, "valkey has no role 'reader'; use owner, read-only" in typo.err) == (1, True)
    assert addonkit("list", "--json").data["instances"] == [], "it is found before anything is made"
    assert apply(text).status == 0
    assert (
        addonkit("run", "-a", "shop", "--", sys.executable, "-c", f"{CLIENT}client.set(prefix + 'kept', 'yes')").status
        == 0
    )
    exported = addonkit("manifest", "export").out
    assert 'role = "read-only"' in exported
    other = text.replace(
        '[apps.shop.addons.valkey]\naddon = "valkey:shared"', '[apps.shop.addons.valkey]\naddon = "valkey:small"'
    )
    (tmp_path / "addonkit.toml").write_text(other)
    planned = addonkit("manifest", "plan", str(tmp_path / "addonkit.toml"))
    assert planned.out.splitlines()[0] == "change valkey of shop: valkey:small"
    assert "what stays: the data of shop-valkey from before, for a week" in planned.out

    assert apply(other).out == "1 change applied\n"

    shown = addonkit("show", "shop-valkey", "--json").data
    assert shown["variant"] == "small"
    kept = addonkit("run", "-a", "shop", "--", sys.executable, "-c", f"{CLIENT}print(client.get(prefix + 'kept'))")
    assert kept.out == "b'yes'\n", kept
    assert apply(other).out == "nothing to do\n"
    assert apply(other.replace('"valkey:small"', '"valkey"')).out == "nothing to do\n", "no variant is named"
    for app in ("blog", "shop"):
        for name in [each["name"] for each in addonkit("list", "-a", app, "--json").data["instances"]]:
            addonkit("destroy", name, "--yes")


def test_without_a_terminal_the_plan_has_to_be_confirmed(addonkit_command: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "addonkit.toml"
    file.write_text(TEXT)

    refused = addonkit_command("manifest", "apply", str(file))

    assert refused.status == 1
    assert "it has to be confirmed and there is no terminal to ask on; add --yes" in refused.err
    assert addonkit_command("apps", "--json").data["apps"] == []
    planned = addonkit_command("manifest", "plan", str(file))
    assert planned.out.splitlines() == [
        "create valkey:shared as valkey of shop",
        "create valkey:shared as sessions of shop",
        "attach shop-valkey as theirs of blog",
        "set DEBUG of shop",
    ]
