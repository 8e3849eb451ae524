"""Acme for addonkit: a server of an app's own, with a disk and a password."""

from pathlib import Path
from typing import Final

from addonkit import (
    AddonDefinition,
    ConnectionInfo,
    File,
    OptionDefinition,
    OptionType,
    Probe,
    Program,
    ProgramSource,
    Server,
    ServerAddon,
    Variable,
    VariantDefinition,
    admin_password,
)

SOURCE: Final = ProgramSource(executables=("python3",), directories=("/usr/bin", "/usr/local/bin"))

DEFINITION: Final = AddonDefinition(
    name="acme",
    display_name="Acme",
    description="Acme server",
    default_variant="small",
    variants=(
        VariantDefinition(
            "small",
            "A server of its own",
            details={"Storage": "1 Gi"},
            config={"storage": "1Gi", "longest_value": "104857600"},
        ),
    ),
    default_version="3",
    program=SOURCE,
    variables=("ACME_URL", "ACME_PASSWORD"),
    # What users can choose with `create --set` and `set`; the variant's config has what holds otherwise.
    options=(
        OptionDefinition(
            "longest_value",
            "Bytes of the longest value",
            OptionType.INTEGER,
            minimum="1024",
            maximum="1073741824",
            restart=True,
        ),
    ),
)


def program(server: Server) -> Program:
    """How a server runs; the password is in a private file, and in no command line."""
    return Program(
        source=SOURCE,
        version=server.version,
        argv=(
            *("python3", "-B", "{run}/server.py", "{port}", "{disk}", "{run}/password"),
            server.config["longest_value"],
        ),
        files=(
            File("{run}/server.py", Path(__file__).with_name("server.py").read_text(encoding="utf-8")),
            File("{run}/password", admin_password(server)),
        ),
        probe=Probe("acme", "GET / HTTP/1.0\r\n\r\n", ("HTTP/1.0 401", "HTTP/1.1 401")),
    )


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    """What an app needs to use it."""
    return (
        Variable("ACME_URL", access.url("http", user="app")),
        Variable("ACME_PASSWORD", access.password),
    )


ADDON: Final = ServerAddon(definition=DEFINITION, port=8000, program=program, variables=variables)
