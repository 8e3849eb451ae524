"""The pool of a server, as it follows from an addon's declaration. Pure."""

from __future__ import annotations

from collections.abc import Callable

from addonkit.models.compute import CreateSandboxPoolSpec, Mount, Port, Program
from addonkit.models.definition import CONFIG_DIGEST, CONFIG_IMAGE, AddonDefinition
from addonkit.models.instance import Server
from addonkit.models.sizes import parse_storage_gb
from addonkit.provider.server_addon.declaration import ContainerSpec
from addonkit.provider.server_sagas import volume_of
from addonkit.util.values import frozen

DISK = "data"
"""Name of a server's volume."""


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
            mounts=(Mount(DISK, container.mount),) if size else (),
            volumes=(volume_of(server, DISK, parse_storage_gb(size)),) if size else (),
            port_wait_timeout=self.start_timeout,
        )
