"""Options of a database and of its server: data, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from addonkit import LISTEN_OPTION, OptionDefinition, OptionType

LOCALE: Final = "locale"

EXTENSIONS: Final = "extensions"

ALLOWED: Final = "allowed_extensions"
"""Name of the setting with which an operator bounds the extensions that apps may have."""

PRELOADED: Final = ("pg_stat_statements", "auto_explain", "pg_cron", "timescaledb", "pg_partman_bgw")
"""Extensions whose library a server loads when it starts."""

HARMLESS: Final = (
    *("bloom", "btree_gin", "btree_gist", "citext", "cube", "dict_int", "earthdistance", "fuzzystrmatch", "hstore"),
    *("intarray", "isn", "ltree", "pg_stat_statements", "pg_trgm", "pgcrypto", "pgrowlocks", "pgstattuple", "postgis"),
    *("seg", "tablefunc", "tcn", "tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp", "vector"),
)
"""None of them reaches files, the network or another user's rights."""

OF_A_DATABASE: Final = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "work_mem",
    "temp_file_limit",
    "timezone",
)
"""Options that are settings of a database: `ALTER DATABASE ... SET`. New sessions have them."""

_DURATION: Final = OptionType.DURATION
_SIZE: Final = OptionType.SIZE

OPTIONS: Final = (
    OptionDefinition(
        "max_connections",
        "Connections that apps can have at once",
        OptionType.INTEGER,
        minimum="5",
        maximum="5000",
        restart=True,
    ),
    OptionDefinition(
        "shared_buffers",
        "Memory in which the server keeps data",
        _SIZE,
        minimum="1MB",
        maximum="64GB",
        restart=True,
    ),
    OptionDefinition("storage", "Size of the disk", OptionType.STORAGE, minimum="1Gi", maximum="16384Gi"),
    OptionDefinition("work_mem", "Memory of one sort or hash", _SIZE, minimum="64kB", maximum="4GB", per_tenant=True),
    OptionDefinition(
        "temp_file_limit",
        "Disk that one session can use for temporary files",
        _SIZE,
        minimum="1MB",
        maximum="1TB",
        per_tenant=True,
    ),
    OptionDefinition("statement_timeout", "Longest time of a statement", _DURATION, maximum="24d", per_tenant=True),
    OptionDefinition("lock_timeout", "Longest wait for a lock", _DURATION, maximum="24d", per_tenant=True),
    OptionDefinition(
        "idle_in_transaction_session_timeout",
        "Time after which a session that idles in a transaction ends",
        _DURATION,
        maximum="24d",
        per_tenant=True,
    ),
    OptionDefinition(
        EXTENSIONS,
        "Extensions of the database, with commas between",
        OptionType.LIST,
        per_tenant=True,
        restart_words=PRELOADED,
        allowed_by=ALLOWED,
    ),
    OptionDefinition(
        "timezone", "Time zone of sessions, such as Europe/Berlin", pattern="[A-Za-z0-9_+/-]{1,60}", per_tenant=True
    ),
    OptionDefinition(
        LOCALE,
        "Order of texts: de_DE.UTF-8 is one of the machine, de-DE one of ICU; without one by code point",
        pattern="[A-Za-z0-9_.@-]{1,80}",
        changeable=False,
        per_tenant=True,
    ),
    LISTEN_OPTION,
)


def extensions_of(config: Mapping[str, str]) -> tuple[str, ...]:
    """Return the extensions that a config names."""
    value = config.get(EXTENSIONS, "")
    return tuple(value.split(",")) if value else ()
