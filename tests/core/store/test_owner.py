from __future__ import annotations

import os
import signal
import subprocess
import sys

import attrs
import pytest

from addonkit.store.owner import Owner, describe_owner, owner_alive, this_owner

PRINT_AND_WAIT = """
import sys
from addonkit.store.owner import this_owner
print(this_owner(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process():
    started = subprocess.Popen(
        [sys.executable, "-c", PRINT_AND_WAIT], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    yield started
    started.kill()
    started.communicate()


def changed(owner, **changes):
    return str(attrs.evolve(Owner.parse(owner), **changes))


def test_this_process_is_alive_and_named_differently_each_time():
    assert owner_alive(this_owner())
    assert this_owner() != this_owner()
    assert Owner.parse(this_owner()).pid == os.getpid()


def test_an_owner_is_printed_and_parsed():
    owner = Owner("laptop", "m", "boot", "4026531836", 4711, 99, "token")

    assert str(owner) == "laptop:m:boot:4026531836:4711:99:token"
    assert Owner.parse(str(owner)) == owner
    assert describe_owner(str(owner)) == "process 4711 on laptop"


def test_another_process_lives_until_it_is_killed(process):
    owner = process.stdout.readline().strip()

    assert owner_alive(owner)
    process.kill()
    process.wait()
    assert not owner_alive(owner)


def test_a_process_that_nobody_has_waited_for_is_dead(process):
    owner = process.stdout.readline().strip()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it ended, and stays a zombie

    assert not owner_alive(owner)


def test_a_process_that_is_stopped_is_alive(process):
    owner = process.stdout.readline().strip()
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)

    assert owner_alive(owner)


def test_another_process_with_the_same_number_is_not_the_owner():
    owner = this_owner()

    assert not owner_alive(changed(owner, start=Owner.parse(owner).start - 1))


def test_an_owner_of_a_former_boot_is_dead():
    assert not owner_alive(changed(this_owner(), boot="01234567-89ab-cdef-0123-456789abcdef"))


@pytest.mark.parametrize(
    "elsewhere", [{"host": "other"}, {"machine": "other"}, {"host": "other", "boot": "other"}, {"pids": "1"}]
)
def test_of_an_owner_elsewhere_nothing_is_known(elsewhere):
    """Neither of another machine, nor of another container of this one: its process numbers are not ours."""
    assert owner_alive(changed(this_owner(), pid=2**22 + 1, **elsewhere))


@pytest.mark.parametrize("text", ["", "ann", "a:b:c:d:e:f:g", "a:b:c:d:1:2"])
def test_of_an_owner_that_cannot_be_read_nothing_is_known(text):
    assert owner_alive(text)
    assert describe_owner(text) == text


def test_a_process_hidden_from_this_user_is_not_taken_for_dead(monkeypatch):
    """As with /proc mounted so that others' processes do not show."""
    owner = this_owner()
    monkeypatch.setattr("addonkit.store.owner.read_status", lambda pid: None)

    assert owner_alive(owner)
    assert not owner_alive(changed(owner, pid=2**22 + 1))


def test_a_process_of_another_user_is_not_taken_for_dead(monkeypatch):
    def refuse(pid, signal):
        raise PermissionError

    owner = this_owner()
    monkeypatch.setattr("addonkit.store.owner.os.kill", refuse)

    assert owner_alive(owner)


def test_a_process_with_an_odd_name_is_read_right():
    """The name in /proc/<pid>/stat may hold blanks and parentheses."""
    script = "import ctypes; ctypes.CDLL(None).prctl(15, b'x) R (1 2', 0, 0, 0)\n" + PRINT_AND_WAIT
    with subprocess.Popen(
        [sys.executable, "-c", script], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as odd:
        try:
            assert owner_alive(odd.stdout.readline().strip())
        finally:
            odd.kill()
