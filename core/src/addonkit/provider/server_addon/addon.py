"""An addon whose instances live on servers, declared: an entry point names an instance of ServerAddon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import starmap
from typing import Final

import attrs

from addonkit.errors import InvalidInput
from addonkit.hookspecs import hookimpl
from addonkit.models.compute import CreateSandboxPoolSpec, Mount, Port, Program
from addonkit.models.definition import CONFIG_DIGEST, CONFIG_IMAGE, AddonDefinition, is_shared_variant
from addonkit.models.instance import Server
from addonkit.models.sizes import parse_storage_gb
from addonkit.models.variable import Variable
from addonkit.provider.server_addon.connections import Connections
from addonkit.provider.server_addon.declaration import ConnectionInfo, ContainerSpec, Tenants
from addonkit.provider.server_addon.hooks import NEEDED_VERBS, ServerHooks
from addonkit.provider.server_addon.sagas import ServerAddonSagas
from addonkit.provider.server_addon.slips import find_slips
from addonkit.provider.server_addon.verbs import CopyingTenants, DataTenants, OutlinedTenants, ServerCopyingTenants
from addonkit.provider.server_sagas import volume_of
from addonkit.util.values import frozen

_DISK: Final = "data"
"""Name of a server's volume."""


def _image_alone(server: Server) -> ContainerSpec:
    del server
    return ContainerSpec()


@frozen
class PoolBuilder:
    """Puts the pool of a server together: a PoolOf, see server_sagas.

    A variant whose config names a `storage` has a disk of that size, others have none.

    Attributes:
        definition: of the addon.
        ports: the one that clients use first.
        program: how the server runs without a container.
        container: how it runs in one.
        start_timeout: seconds a started server has until it answers.
    """

    definition: AddonDefinition
    ports: tuple[Port, ...]
    program: Callable[[Server], Program]
    container: Callable[[Server], ContainerSpec]
    start_timeout: float

    def __call__(self, server: Server) -> CreateSandboxPoolSpec:
        """Return the pool; its name is the server's id, as is its disk's."""
        container = self.container(server)
        size = server.config.get("storage", "")
        image, digest = server.config.get(CONFIG_IMAGE, ""), server.config.get(CONFIG_DIGEST, "")
        if digest and "@" not in image:  # a tag that moves later does not change a server that is there
            image = f"{image}@{digest}"
        return CreateSandboxPoolSpec(
            name=server.id,
            image=image,
            program=self.program(server),
            env=container.env,
            ports=self.ports,
            labels={"addon": self.definition.name, "server": server.id},
            sandbox_prefix=self.definition.name,
            command=container.command,
            mounts=(Mount(_DISK, container.mount),) if size else (),
            volumes=(volume_of(server, _DISK, parse_storage_gb(size)),) if size else (),
            port_wait_timeout=self.start_timeout,
        )


@attrs.frozen(eq=False, kw_only=True, slots=False)
class ServerAddon(ServerHooks):
    """An addon that runs servers: one for each instance, and one for all instances of the variant `shared`.

    Attributes:
        definition: what it says about itself. A variant whose config has `storage` gives its servers a disk.
        port: the port that clients use, as numbered in a container; a process has one of its own.
        program: how a server runs as a process; pure. See `Server.version` and `admin_password`.
        variables: what the app receives; pure.
        tenants: what is done inside a server for an instance. Without it the app has the server's own password, and
            there can be no variant `shared`.
        more_ports: names and numbers of further ports; `{port:NAME}` in the program,
            `ConnectionInfo.ports` for variables.
        container: how a server runs in a container, where its image alone does not say it; pure.
        reset_admin: how a server runs whose administrator gets the recorded password with its start, whatever its data
            say; pure. It is the way back in when that password was lost. Without it there is none.
        start_timeout: seconds a started server has until it answers its probe.
        pool: how the pool of a server looks; follows from these.
        sagas: what it does; follows from these.
    """

    definition: AddonDefinition
    port: int
    program: Callable[[Server], Program]
    variables: Callable[[ConnectionInfo], tuple[Variable, ...]]
    tenants: Tenants | None = attrs.field(default=None)
    more_ports: Mapping[str, int] = attrs.field(factory=dict)
    container: Callable[[Server], ContainerSpec] = _image_alone
    reset_admin: Callable[[Server], Program] | None = None
    start_timeout: float = 60.0
    pool: PoolBuilder = attrs.field(init=False)
    sagas: ServerAddonSagas = attrs.field(init=False)

    @tenants.validator
    def _check_tenants(self, _: object, tenants: Tenants | None) -> None:
        name = self.definition.name
        if tenants is None and any(is_shared_variant(variant.name) for variant in self.definition.variants):
            raise ValueError(f"addon {name} has a variant `shared` but no tenants")
        copies = isinstance(tenants, CopyingTenants)
        if copies and not isinstance(tenants, DataTenants):
            raise ValueError(
                f"tenants of addon {name} have `copy` without `dump`, `load` and `fingerprint`, which prove it"
            )
        if isinstance(tenants, ServerCopyingTenants) and not copies:
            raise ValueError(
                f"tenants of addon {name} have `copy_server` without `copy`, which makes them ones that copy"
            )
        if isinstance(tenants, OutlinedTenants) and not copies:
            raise ValueError(
                f"tenants of addon {name} have `outline` without `copy`, after which alone it is asked for"
            )

    @pool.default
    def _build_pool(self) -> PoolBuilder:
        ports = (Port(self.definition.name, self.port), *starmap(Port, self.more_ports.items()))
        return PoolBuilder(self.definition, ports, self.program, self.container, self.start_timeout)

    @sagas.default
    def _build_sagas(self) -> ServerAddonSagas:
        resetting = attrs.evolve(self.pool, program=self.reset_admin) if self.reset_admin else None
        connections = Connections(self.variables, tuple(self.more_ports), self.definition.sockets)
        return ServerAddonSagas(self.definition.name, self.pool, resetting, self.port, self.tenants, connections)

    def __attrs_post_init__(self) -> None:
        # Pluggy takes what is no function for no hook, so an addon that cannot do it has no such capability.
        missing = [hook for hook, needed in NEEDED_VERBS.items() if not isinstance(self.tenants, needed)]
        if self.tenants is None:
            missing += ("addon_inspect", "addon_drop_claim")
        if not self.definition.options:
            missing.append("addon_configure")
        if self.reset_admin is None:
            missing.append("addon_reset_admin")
        if not self.definition.listens:
            missing.append("addon_renew_certificate")
        for hook in missing:
            object.__setattr__(self, hook, None)

    @hookimpl
    def addon_definition(self) -> AddonDefinition:
        """See hookspecs.

        Raises:
            InvalidInput: the declaration has a slip that would be seen only when a server runs.
        """
        given = self.definition
        names = (given.name, *self.more_ports)
        slips = [slip for each in given.variants for slip in find_slips(given, each, self.program, names)]
        if slips:
            raise InvalidInput(f"cannot use the declaration of {given.name}", "; ".join(dict.fromkeys(slips)))
        return given
