"""`addonkit service`: systemd runs `addonkit serve`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from addonkit.cli.command import group, show_help, subcommand
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import listen_options

if TYPE_CHECKING:
    from addonkit.cli.service_manager import Manager

_EXAMPLES = ("addonkit service install", "addonkit service status", "addonkit service uninstall")


@group("service", examples=_EXAMPLES, invoke_without_command=True)
@click.pass_context
def service(ctx: click.Context) -> None:
    """Let systemd run `addonkit serve`, also after a reboot.

    Root's service is one of the machine, any other user's is one of the user.
    """
    if ctx.invoked_subcommand is None:
        show_help(ctx)


@subcommand(service, "install", examples=("addonkit service install", "addonkit service install --print"))
@click.option("--print", "print_only", is_flag=True, help="Print the unit; install nothing.")
@listen_options
@click.pass_obj
def install(
    invocation: Invocation, print_only: bool, listen: str, tls_cert: str, tls_key: str, hosts: tuple[str, ...]
) -> None:
    """Write the unit, start it, and start it at each boot. Options are those of `serve`."""
    from addonkit.server.listeners import Listening
    from addonkit.util.files import replace_private

    Listening.parse(listen, tls_cert, tls_key, hosts)
    words = _words(listen, tls_cert, tls_key, hosts)

    manager = _manager()
    text = manager.unit_text(_home(invocation), _settings(), words)
    if print_only:
        invocation.answer({"unit": text}, text.rstrip("\n"))
        return
    manager.directory.mkdir(parents=True, exist_ok=True)
    replace_private(manager.unit, text.encode())
    _control(manager, "daemon-reload")
    _control(manager, "enable", "--now", manager.unit.name)
    _control(manager, "restart", manager.unit.name)
    linger = "" if manager.system else "; run `loginctl enable-linger` to start it without a login"
    invocation.answer({"unit": str(manager.unit)}, f"{manager.unit.name} runs, and starts at each boot{linger}")


@subcommand(service, "status", examples=("addonkit service status",))
@click.pass_obj
def status(invocation: Invocation) -> None:
    """Say whether the service is installed and runs; exit status 1 when it does not run."""
    manager = _manager()
    if not manager.unit.exists():
        invocation.answer({"state": "not installed"}, "not installed; run `addonkit service install`")
        raise click.exceptions.Exit(1)
    asked = subprocess.run(  # noqa: S603 - systemctl and words of ours
        [*manager.systemctl, "is-active", manager.unit.name], capture_output=True, text=True, check=False
    )
    state = asked.stdout.strip() or "unknown"
    invocation.answer({"state": state, "unit": str(manager.unit)}, f"{manager.unit.name} is {state}")
    if asked.returncode:
        raise click.exceptions.Exit(1)


@subcommand(service, "uninstall", examples=("addonkit service uninstall",))
@click.pass_obj
def uninstall(invocation: Invocation) -> None:
    """Stop the service and remove its unit. Servers keep running."""
    manager = _manager()
    if not manager.unit.exists():
        invocation.answer({"removed": False}, "there is no service to remove")
        return
    _control(manager, "disable", "--now", manager.unit.name)
    manager.unit.unlink(missing_ok=True)
    _control(manager, "daemon-reload")
    invocation.answer({"removed": True}, f"{manager.unit.name} is removed; servers keep running")


def _words(listen: str, tls_cert: str, tls_key: str, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments of `serve`; files by their full paths."""
    files = {"--tls-cert": tls_cert, "--tls-key": tls_key}
    given = {"--listen": listen, **{name: str(Path(file).absolute()) for name, file in files.items() if file}}
    named = [word for host in hosts for word in ("--host", host)]
    return (*(word for name, value in given.items() if value for word in (name, value)), *named)


def _manager() -> Manager:
    import os

    from addonkit.cli.service_manager import Manager

    return Manager(system=os.geteuid() == 0)


def _home(invocation: Invocation) -> Path:
    import os

    from addonkit.kit.home import find_home

    return find_home(invocation.home, os.environ).absolute()


def _settings() -> dict[str, str]:
    """Return settings of addonkit that the service needs as well. Secrets are for files: a unit is read by everyone.

    PATH is kept, since programs are looked for there.
    """
    import os

    secret = ("KEY", "SECRET", "PASSWORD", "TOKEN")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key.startswith("ADDONKIT_")
        and key not in {"ADDONKIT_HOME", "ADDONKIT_APP", "ADDONKIT_URL"}
        and not any(word in key for word in secret)
    }
    return {"PATH": os.environ.get("PATH", os.defpath), **kept}


def _control(manager: Manager, *words: str) -> None:
    """Run systemctl.

    Raises:
        ComputeError: there is none, or it fails.
    """
    from addonkit.errors import ComputeError

    attempted = f"cannot run `{' '.join((*manager.systemctl, *words))}`"
    try:
        done = subprocess.run(  # noqa: S603 - systemctl and words of ours
            [*manager.systemctl, *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        advice = "let another supervisor run `addonkit serve`"
        raise ComputeError(attempted, "this machine has no systemd", advice) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise ComputeError(attempted, lines[-1], f"the unit is {manager.unit}")
