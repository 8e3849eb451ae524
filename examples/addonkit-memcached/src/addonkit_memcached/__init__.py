"""Memcached for addonkit: a cache of an app's own, with a password. See memcached(1) for its options."""

from typing import Final

from addonkit import (
    AddonDefinition,
    ConnectionInfo,
    ContainerSpec,
    File,
    Probe,
    Program,
    ProgramSource,
    Secret,
    Server,
    ServerAddon,
    Variable,
    VariantDefinition,
    admin_password,
)

PORT: Final = 11211
USER: Final = "app"
LOGIN: Final = "password, by the text protocol (no SASL)"

SOURCE: Final = ProgramSource(executables=("memcached",), directories=("/usr/bin", "/usr/local/bin"))

DEFINITION: Final = AddonDefinition(
    name="memcached",
    display_name="Memcached",
    description="Memcached in-memory cache",
    default_variant="small",
    variants=(
        VariantDefinition(
            "small", "A server of its own", {"Memory": "64 MB", "Login": LOGIN}, {"memory": "64"}, is_cache=True
        ),
        VariantDefinition(
            "large", "A server of its own", {"Memory": "512 MB", "Login": LOGIN}, {"memory": "512"}, is_cache=True
        ),
    ),
    base_image="docker.io/library/memcached",
    default_version="1.6",
    program=SOURCE,
    variables=("MEMCACHE_URL", "MEMCACHE_HOST", "MEMCACHE_PORT", "MEMCACHE_USERNAME", "MEMCACHE_PASSWORD"),
)


def program(server: Server) -> Program:
    """Return the server as a process: UDP off, its users in a private file."""
    login = f"{USER} {admin_password(server).reveal()}"
    options = ("-l", "127.0.0.1", "-p", "{port}", "-U", "0", "-m", server.config["memory"], "-Y", "{run}/users")
    return Program(
        source=SOURCE,
        version=server.version,
        argv=("memcached", *options),
        probe=Probe("memcached", Secret(f"set login 0 0 {len(login)}\r\n{login}\r\n"), ("STORED",)),
        files=(File("{run}/users", Secret(login.replace(" ", ":") + "\n")),),
    )


def container(server: Server) -> ContainerSpec:
    """Return the same in a container, where the file is made from the environment."""
    serve = f"exec memcached -U 0 -m {server.config['memory']} -Y /tmp/users"
    users = Secret(f"{USER}:{admin_password(server).reveal()}")
    return ContainerSpec(("sh", "-ec", f'umask 077; echo "$USERS" >/tmp/users; {serve}'), {"USERS": users})


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    """Return what an app needs to log in."""
    return (
        Variable("MEMCACHE_URL", access.url("memcache", user=USER)),
        Variable("MEMCACHE_HOST", access.host),
        Variable("MEMCACHE_PORT", str(access.port)),
        Variable("MEMCACHE_USERNAME", USER),
        Variable("MEMCACHE_PASSWORD", access.password),
    )


ADDON: Final = ServerAddon(definition=DEFINITION, port=PORT, program=program, container=container, variables=variables)
