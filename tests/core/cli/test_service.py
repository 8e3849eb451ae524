"""`service` writes a unit and controls systemd, which is the user's own here, played by a script."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from addonkit.cli.service_manager import tell_service_manager


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that notes its arguments; it says what `says` holds and exits with 1 when that begins with `failed`."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f"""#!/bin/sh
echo "$@" >>{tmp_path}/noted
test ! -e {tmp_path}/says || {{ cat {tmp_path}/says; cat {tmp_path}/says >&2; }}
! grep -qs ^failed {tmp_path}/says
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def noted(systemctl: Path) -> list[str]:
    return (systemctl / "noted").read_text().splitlines()


def test_a_service_is_installed_shown_and_removed(call, systemctl: Path) -> None:
    unit = systemctl / "config/systemd/user/addonkit.service"
    assert call("service", "status").out == "not installed; run `addonkit service install`\n"

    installed = call("--home", str(systemctl / "home"), "service", "install")

    assert installed.status == 0
    assert installed.out.startswith("addonkit.service runs, and starts at each boot; run `loginctl enable-linger`")
    assert f'--home "{systemctl}/home" serve' in unit.read_text()
    assert noted(systemctl) == [
        "--user daemon-reload",
        "--user enable --now addonkit.service",
        "--user restart addonkit.service",
    ]
    (systemctl / "says").write_text("active\n")
    assert call("service", "status").out == "addonkit.service is active\n"
    assert call("service", "uninstall").out == "addonkit.service is removed; servers keep running\n"
    assert not unit.exists()
    assert call("service", "uninstall").out == "there is no service to remove\n"


def test_what_systemd_refuses_is_told(call, systemctl: Path) -> None:
    (systemctl / "says").write_text("failed to connect to bus\n")

    refused = call("service", "install")

    assert refused.status == 1
    assert refused.err.startswith("error: cannot run `systemctl --user daemon-reload`: failed to connect to bus")


def test_a_machine_without_systemd_is_told(call, systemctl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(systemctl))

    refused = call("service", "install")

    assert refused.status == 1
    assert "this machine has no systemd; let another supervisor run `addonkit serve`" in refused.err


def test_without_a_service_manager_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_service_manager("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    tell_service_manager("READY=1")
