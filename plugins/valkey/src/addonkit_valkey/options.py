"""Options of a store that has a server of its own: data."""

from __future__ import annotations

from typing import Final

from addonkit import OptionDefinition, OptionType

LIVE: Final = ("maxmemory-policy", "appendfsync", "timeout", "notify-keyspace-events")
"""Options that a running server takes, under its own names."""

_POLICIES: Final = (
    *("noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random"),
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
)

OPTIONS: Final = (
    OptionDefinition("maxmemory", "Memory for data", OptionType.SIZE, minimum="1MB", maximum="256GB", restart=True),
    OptionDefinition("maxmemory-policy", "What happens to keys when the memory is full", choices=_POLICIES),
    OptionDefinition(
        "appendfsync",
        "When a write reaches the disk: before its answer, every second, or when the system likes",
        choices=("always", "everysec", "no"),
        variants=("small",),
    ),
    OptionDefinition(
        "storage", "Size of the disk", OptionType.STORAGE, minimum="1Gi", maximum="16384Gi", variants=("small",)
    ),
    OptionDefinition(
        "timeout",
        "Seconds after which a connection that idles is closed; 0 is never",
        OptionType.INTEGER,
        default="0",
        minimum="0",
        maximum="31536000",
    ),
    OptionDefinition(
        "notify-keyspace-events",
        "Changes of keys that are published, as Valkey writes them",
        pattern="[KEg$lshzxetdmnA]{1,20}",
    ),
)
