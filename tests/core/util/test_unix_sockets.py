"""Sockets are believed where nobody else could have made them, and reached whatever the length of their path."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from addonkit.testing.home import temporary_home
from addonkit.util.unix_sockets import trusted_socket


@pytest.fixture
def directory() -> Iterator[Path]:
    """A private directory whose path is longer than that of a socket may be."""
    with temporary_home() as home:
        directory = home / ("d" * 120)
        directory.mkdir(mode=0o711)
        yield directory


def listen(directory: Path) -> socket.socket:
    there = os.open(directory, os.O_PATH)
    try:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"/proc/self/fd/{there}/name")
    finally:
        os.close(there)
    listener.listen()
    return listener


def test_a_socket_is_reached_by_a_path_that_is_too_long(directory: Path) -> None:
    with listen(directory), socket.socket(socket.AF_UNIX) as client:
        with pytest.raises(OSError, match="too long"):
            client.connect(str(directory / "name"))
        with trusted_socket(str(directory / "name")) as path:
            client.connect(path)


def test_nothing_stays_open(directory: Path) -> None:
    before = {path.name for path in Path("/proc/self/fd").iterdir()}
    with trusted_socket(str(directory / "name")):
        pass
    assert {path.name for path in Path("/proc/self/fd").iterdir()} == before


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o722, 0o730])
def test_a_directory_that_others_can_write_is_not_believed(directory: Path, mode: int) -> None:
    directory.chmod(mode)
    with pytest.raises(PermissionError, match="others can make sockets"), trusted_socket(str(directory / "name")):
        pass


def test_a_link_in_place_of_the_directory_is_not_followed(directory: Path) -> None:
    link = directory.parent / "link"
    link.symlink_to(directory)
    with pytest.raises(OSError, match="Not a directory|symbolic"), trusted_socket(str(link / "name")):
        pass


def test_a_directory_of_another_user_is_not_believed(directory: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a directory away")
    os.chown(directory, 65534, 65534)
    directory.parent.chmod(0o711)
    child = os.fork()
    if not child:
        os.setuid(65533)
        try:
            with trusted_socket(str(directory / "name")):
                os._exit(1)
        except PermissionError:
            os._exit(0)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
