"""What cannot be completed because a server runs in another container does not begin."""

from __future__ import annotations

import os

import attrs
import pytest

from addonkit.testing.command import CommandLine

CONTAINER = (
    *("unshare", "--pid", "--fork", "--mount-proc", "--net", "--ipc"),
    *("sh", "-c", 'ip link set lo up; exec "$@"', "sh"),
)


@pytest.mark.all_day("valkey:shared")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make namespaces")
@pytest.mark.parametrize("spec", ["valkey:small", "valkey:shared"])
def test_what_another_container_runs_is_not_destroyed_and_keeps_its_variables(
    addonkit_command: CommandLine, spec: str
) -> None:
    for app in ("shop", "blog"):
        assert addonkit_command("create", spec, "-a", app).status == 0
    before = addonkit_command("env", "-a", "shop", "--reveal").out
    elsewhere = attrs.evolve(addonkit_command, program=(*CONTAINER, *addonkit_command.program))

    for words in (("destroy", "shop-valkey", "--yes"), ("destroy", "--app", "shop", "--yes")):
        refused = elsewhere(*words)
        assert refused.status == 1
        told = refused.out + refused.err
        assert "its server cannot be used from here: a server of another container or namespace" in told
        assert "addonkit destroy shop-valkey --forget" in told

    assert before
    assert addonkit_command("env", "-a", "shop", "--reveal").out == before
    assert addonkit_command("doctor").status == 0
    assert addonkit_command("destroy", "--app", "shop", "--yes").status == 0
