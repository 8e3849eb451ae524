"""What follows from the declaration of a server addon: pool, sagas and hooks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.request import urlopen

import pytest

import addonkit
from addonkit import (
    CONFIG_IMAGE,
    CONFIG_VERSION,
    AddonDefinition,
    ConnectionInfo,
    ContainerSpec,
    File,
    Instance,
    Probe,
    Program,
    ProgramSource,
    Progress,
    Secret,
    Server,
    ServerAccess,
    ServerAddon,
    Tenant,
    Tenants,
    Variable,
    VariantDefinition,
    admin_password,
)
from addonkit.registry.registry import Registry

SOURCE = ProgramSource(("kvd",))
SMALL = VariantDefinition("small", config={"storage": "2Gi"})
MEMORY = VariantDefinition("memory")
SHARED = VariantDefinition("shared", config={"storage": "10Gi"})


class NoTenants(Tenants):
    """Tenants of a server that does nothing."""

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Let the app in.

        More about it.
        """

    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: Progress) -> None:
        """send it away"""

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List nothing."""
        return ()

    async def drop_claim(self, access: ServerAccess, claim: str, progress: Progress) -> None:
        """Drop nothing."""


def program(server: Server) -> Program:
    return Program(SOURCE, server.version, ("kvd", "-p", "{port}"), Probe("kv", "", ("OK",)))


def container(server: Server) -> ContainerSpec:
    return ContainerSpec(("kvd",), {"PASSWORD": admin_password(server)}, "/var/kv")


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    return (Variable("KV_URL", access.url("kv")),)


def declared(*variants: VariantDefinition, tenants: Tenants | None = None) -> ServerAddon:
    definition = AddonDefinition(
        "kv", "KV", "A store", variants[0].name, variants, base_image="kv", default_version="1", program=SOURCE
    )
    return ServerAddon(
        definition=definition, port=7, program=program, container=container, variables=variables, tenants=tenants
    )


def server_with(**config: str) -> Server:
    config |= {CONFIG_IMAGE: "kv:1", CONFIG_VERSION: "1"}
    return Server("kv-1", "kv", "key", config=config, attributes={"admin_password": Secret("x")})


def test_a_pool_is_named_after_its_server_and_found_by_its_labels() -> None:
    spec = declared(SMALL).pool(server_with(storage="2Gi"))

    assert spec.name == spec.volumes[0].disk == "kv-1"
    assert spec.labels == {"addon": "kv", "server": "kv-1"}
    assert [(port.name, port.number) for port in spec.ports] == [("kv", 7)]
    assert (spec.image, spec.program) == ("kv:1", program(server_with()))
    assert (spec.command, dict(spec.env)) == (("kvd",), {"PASSWORD": Secret("x")})
    assert spec.port_wait_timeout == 60


def test_a_server_has_a_disk_where_its_variant_names_a_size() -> None:
    addon = declared(SMALL, MEMORY)

    with_disk, without = addon.pool(server_with(storage="2Gi")), addon.pool(server_with())

    assert with_disk.volumes[0].size_gb == 2
    assert with_disk.mounts[0].path == "/var/kv"
    assert without.volumes == without.mounts == ()


def test_an_app_without_tenancy_is_told_of_the_server_itself() -> None:
    addon = declared(SMALL)

    assert addon.sagas.provision.step_names == ("join_server", "ensure_server", "build_result")
    assert addon.sagas.deprovision.step_names == ("leave_server",)


def test_tenants_are_let_in_and_removed() -> None:
    addon = declared(SMALL, SHARED, tenants=NoTenants())

    steps = ("join_server", "ensure_server", "generate_password", "create_tenant", "build_result")
    assert addon.sagas.provision.step_names == steps
    assert addon.sagas.deprovision.step_names == ("remove_tenant", "leave_server")


def test_users_read_the_first_line_of_what_the_author_wrote() -> None:
    addon = declared(SHARED, tenants=NoTenants())

    assert addon.sagas.provision.steps[3].title == "let the app in"
    assert next(step.title for step in addon.sagas.deprovision.steps) == "send it away"


def test_only_an_addon_with_tenants_can_tell_them() -> None:
    registry = Registry()
    registry.register(declared(SMALL), "kv")
    assert registry.get("kv").capabilities == frozenset()

    registry = Registry()
    registry.register(declared(SHARED, tenants=NoTenants()), "kv")
    assert registry.get("kv").capabilities == {"inspect", "drop_claim"}


def test_a_shared_variant_without_tenants_is_refused() -> None:
    with pytest.raises(ValueError, match="kv has a variant `shared` but no tenants"):
        declared(SMALL, SHARED)


@pytest.mark.parametrize(
    ("verb", "reason"),
    [
        ("copy", "have `copy` without `dump`, `load` and `fingerprint`"),
        ("outline", "have `outline` without `copy`"),
        ("copy_server", "have `copy_server` without `copy`"),
    ],
)
def test_a_copy_that_nothing_proves_is_refused(verb: str, reason: str) -> None:
    tenants = type("Copying", (NoTenants,), {verb: lambda *_: None})()
    with pytest.raises(ValueError, match=f"tenants of addon kv {reason}"):
        declared(SHARED, tenants=tenants)


def test_where_an_instance_lives_counts_when_it_goes() -> None:
    here = Instance("k3", "shop-kv", "kv", "shop", "small", server="kv-1", claim="shop")

    assert declared(SMALL).addon_deprovision(here).values == {"server_id": "kv-1", "claim": "shop"}


def test_who_has_left_its_server_already_still_removes_it() -> None:
    gone = Instance("k3", "shop-kv", "kv", "shop", "small", attributes={"server_id": "kv-1", "claim": "shop"})

    assert declared(SMALL).addon_deprovision(gone).values == {"server_id": "kv-1", "claim": "shop"}


def test_who_never_had_a_server_has_nothing_to_remove() -> None:
    never = Instance("k3", "shop-kv", "kv", "shop", "small")

    assert declared(SMALL).addon_deprovision(never).values == {"server_id": "", "claim": ""}


def test_a_server_is_asked_by_its_id() -> None:
    registry = Registry()
    registry.register(declared(SHARED, tenants=NoTenants()), "kv")
    addon, server = registry.get("kv"), server_with()

    assert addon.inspect(server).values == {"server_id": "kv-1"}
    assert addon.drop_claim(server, "old").values == {"server_id": "kv-1", "claim": "old"}


TWO_PORTS = """
import sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
def serve(port, word):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.end_headers(); self.wfile.write(word)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
threading.Thread(target=serve, args=(sys.argv[2], b"metrics"), daemon=True).start()
serve(sys.argv[1], b"main")
"""


async def test_a_server_can_have_more_ports(home: Path) -> None:
    source = ProgramSource(("python3",), directories=("/usr/bin", "/usr/local/bin"))
    argv = ("python3", "{run}/server.py", "{port}", "{port:metrics}")
    addon = ServerAddon(
        definition=AddonDefinition("kv", "KV", "A store", "memory", (MEMORY,), default_version="3", program=source),
        port=7,
        more_ports={"metrics": 9},
        program=lambda server: Program(
            source,
            server.version,
            argv,
            Probe("kv", "GET / HTTP/1.0\r\n\r\n", ("HTTP/1.0 200",)),
            files=(File("{run}/server.py", TWO_PORTS),),
        ),
        variables=lambda access: (
            Variable("MAIN", f"http://{access.host}:{access.port}"),
            Variable("METRICS", f"http://{access.host}:{access.ports['metrics']}"),
        ),
    )
    registry = Registry()
    registry.register(addon, "kv")

    async with addonkit.open(home, registry=registry) as kit:
        places = (await kit.create("kv", "shop")).environ()
        for name in ("MAIN", "METRICS"):
            with await asyncio.to_thread(urlopen, places[name], timeout=10) as answer:
                assert answer.read().decode() == name.lower()
        await kit.destroy("shop-kv")
