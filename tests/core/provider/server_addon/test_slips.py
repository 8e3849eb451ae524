"""Slips in the declaration of a ServerAddon are named when the addon loads."""

from __future__ import annotations

import pytest

from addonkit.api import (
    AddonDefinition,
    File,
    Probe,
    Program,
    ProgramSource,
    ServerAddon,
    VariantDefinition,
    admin_password,
)
from addonkit.errors import AddonBroken
from addonkit.registry.registry import Registry

SOURCE = ProgramSource(("kvd",))
PROBE = Probe("kv", "", ("OK",))


def load(program, *, storage: bool = True, source: ProgramSource | None = SOURCE):
    variants = (VariantDefinition("small", config={"storage": "1Gi"} if storage else {}),)
    definition = AddonDefinition("kv", "KV", "Values", "small", variants, program=source)
    registry = Registry()
    registry.register(ServerAddon(definition=definition, port=80, program=program, variables=lambda _: ()), "kv")
    return registry.get("kv")


def running(*argv: str, files: tuple[File, ...] = (), **env: str):
    return lambda server: Program(SOURCE, server.version, ("kvd", *argv), PROBE, files=files, env=env)


@pytest.mark.parametrize(
    ("program", "storage", "said"),
    [
        (running("--dir={rundir}"), True, "variant small: {rundir} is no placeholder; did you mean {run}?"),
        (running("{Port}"), True, "did you mean {port}?"),
        (running("{disk}"), False, "its program uses {disk}, and the variant has no `storage` in its config"),
        (running("{port:admin}"), True, "{port:admin} is not one of its ports (kv)"),
        (running(files=(File("{runs}/conf", ""),)), True, "did you mean {run}?"),
        (running(HOME="{disks}"), True, "did you mean {disk}?"),
        (lambda _server: None, True, "its `program` answers NoneType for variant small; return a Program"),
    ],
)
def test_a_slip_is_named(program, storage, said):
    with pytest.raises(AddonBroken, match="addon_definition failed: InvalidInput") as caught:
        load(program, storage=storage)
    assert said in caught.value.found


def needing_more(server):
    return server.attributes["made by a step"]


@pytest.mark.parametrize(
    ("program", "storage", "source"),
    [
        (
            running("{disk}", "{run}", "{port}", "{port:kv}", "{sockets}", "{{disks}}", "${disks}", "{x: 1}"),
            True,
            SOURCE,
        ),
        (running(files=(File("{run}/conf.json", '{"rundir": {disks}}'),)), False, SOURCE),
        (lambda server: running(f"--password={admin_password(server)}")(server), False, SOURCE),
        (needing_more, True, SOURCE),
        (lambda _server: None, True, None),
    ],
)
def test_what_is_no_slip_loads(program, storage, source):
    assert load(program, storage=storage, source=source).name == "kv"
