"""Messages to systemd (sd_notify(3)), and the unit that it runs (systemd.service(5))."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

UNIT: Final = "addonkit.service"

_TEMPLATE: Final = """\
[Unit]
Description=addonkit keeps the servers of {home} running
Documentation=https://pypi.org/project/addonkit/
After=network.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={command} --home {home} serve{arguments}
ExecReload=/bin/kill -HUP $MAINPID
{environment}# Servers outlive the process that watches them: it may be restarted and updated while apps use them.
KillMode=process
Restart=always
RestartSec=1
TimeoutStopSec=60
UMask=0077

[Install]
WantedBy={target}
"""


@attrs.frozen
class Manager:
    """The systemd of the machine, or that of a user.

    Attributes:
        system: whether it is the machine's.
    """

    system: bool

    @property
    def directory(self) -> Path:
        """Return where its administrator's units are."""
        if self.system:
            return Path("/etc/systemd/system")
        configured = os.environ.get("XDG_CONFIG_HOME", "")
        return (Path(configured) if configured else Path.home() / ".config") / "systemd" / "user"

    @property
    def unit(self) -> Path:
        """The file of our unit."""
        return self.directory / UNIT

    @property
    def systemctl(self) -> tuple[str, ...]:
        """The command that controls it."""
        return ("systemctl",) if self.system else ("systemctl", "--user")

    def unit_text(self, home: Path, environ: dict[str, str], words: Iterable[str] = ()) -> str:
        """Return the unit that serves a home with this installation; `words` are further arguments of `serve`."""
        arguments = "".join(f" {_quoted(each)}" for each in words)
        command = f"{_quoted(sys.executable)} -m addonkit"
        environment = "".join(f"Environment={_quoted(f'{key}={value}')}\n" for key, value in environ.items())
        target = "multi-user.target" if self.system else "default.target"
        return _TEMPLATE.format(
            home=_quoted(str(home)), command=command, environment=environment, target=target, arguments=arguments
        )


def tell_service_manager(message: str) -> None:
    """Send a message such as `READY=1`; does nothing when no service manager started this process."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.sendto(message.encode(), f"\0{address[1:]}" if address.startswith("@") else address)


def _quoted(text: str) -> str:
    """Return the text as one word of a unit file: quotes, backslashes, `%` and `$` stand for themselves."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
