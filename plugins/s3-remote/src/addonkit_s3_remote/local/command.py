"""The command `addonkit-s3-local`: serves until it is asked to end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import click

from addonkit import AddonkitError
from addonkit_s3_remote.local.settings import as_lines

DEFAULT_PORT = 9580


@click.command("addonkit-s3-local")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="Keep everything in this file.")
@click.option("--memory", is_flag=True, help="Keep everything in memory; it is lost at the end.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the settings to this file, not to stdout.")
@click.option("--until-eof", is_flag=True, help="End when standard input ends, too.")
def main(port: int, state: Path | None, output: Path | None, *, memory: bool, until_eof: bool) -> None:
    """Serve S3 with IAM on loopback, to try the addon s3-remote out.

    Prints the settings that lead to it, then serves until SIGTERM or Ctrl-C. A file in your data directory
    keeps buckets, objects, users and keys for the next start.
    """
    if memory and state:
        raise click.UsageError("--memory keeps nothing; leave out --state")
    try:
        with _serving(port, None if memory else (state or _default_state())) as settings:
            _tell(settings, output)
            _wait(until_eof=until_eof)
    except AddonkitError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


@contextmanager
def _serving(port: int, state: Path | None) -> Iterator[Mapping[str, str]]:
    try:
        from addonkit_s3_remote.local.server import serving
    except ImportError as error:
        raise AddonkitError(
            "serving S3", f"a library is not installed ({error.name})", "pip install 'addonkit-s3-remote[local]'"
        ) from error
    with serving(port, state) as settings:
        yield settings


def _default_state() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("addonkit-s3-local")) / "state"


def _tell(settings: Mapping[str, str], output: Path | None) -> None:
    """Show where the service is; a secret that goes to a file is for its owner only."""
    if output is None:
        click.echo(as_lines(settings))
        return
    from addonkit_s3_remote.local.files import write_private

    write_private(output, as_lines(settings).encode())
    click.echo(f"serving {settings['endpoint']}; its settings are in {output}")


def _wait(*, until_eof: bool) -> None:
    """Wait for SIGTERM or SIGINT, or also for the end of standard input."""
    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    if until_eof:
        Thread(target=_wait_for_eof, args=(over,), daemon=True).start()
    over.wait()


def _wait_for_eof(over: Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    over.set()
