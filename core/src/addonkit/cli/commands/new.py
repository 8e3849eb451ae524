"""`addonkit new`: the distribution of a new addon."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation


@command("new", examples=("addonkit new nats", "addonkit new nats --kind remote --directory ~/src"))
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["server", "remote"]),
    default="server",
    show_default=True,
    help="A server that addonkit runs, or a service that runs elsewhere.",
)
@click.option(
    "--directory",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, exists=True),
    default=".",
    help="Where to write it; default is here.",
)
@click.pass_obj
def new(invocation: Invocation, name: str, kind: str, directory: str) -> None:
    """Create a working addon package to start from.

    It installs, passes the conformance kit and can be created from at once.
    """
    from pathlib import Path

    from addonkit.scaffold.scaffold import write_distribution

    written = write_distribution(name, kind, Path(directory))
    folder = Path(directory) / written[0].parts[0]
    next_words = f"next: pip install -e '{folder}[test]' and pytest {folder}"
    invocation.answer({"files": [str(path) for path in written]}, "\n".join([*map(str, written), next_words]))
