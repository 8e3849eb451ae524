"""The installed command on a terminal: questions, hidden input, steps as they run."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from addonkit.testing.home import left_behind

ADDONKIT = str(Path(sys.executable).with_name("addonkit"))


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, argv, environ):
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", ADDONKIT, *argv], env=environ, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.shown = ""

    def until(self, words):
        while words not in self.shown:
            self.shown += self._read()

    def type(self, keys):
        os.write(self._master, keys.encode())

    def interrupt(self):
        """Ctrl-C as a person types it: again when nothing happens.

        A signal that comes just before Python's `input` begins to read is seen only with the next key.
        """
        while self.process.poll() is None:
            self.type("\x03")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)

    def end(self):
        """Exit status, after everything was read."""
        try:
            while True:
                self.shown += self._read()
        except OSError:
            pass
        os.close(self._master)
        return self.process.wait(timeout=60)

    def _read(self):
        text = os.read(self._master, 4096).decode()
        if not text:
            raise EOFError(self.shown)
        return text


@pytest.fixture
def terminal(environ):
    started = []

    def start(*argv):
        started.append(Terminal(argv, environ | {"TERM": "xterm-256color"}))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.mark.parametrize(("keys", "status", "left"), [("y\r", 1, 1), ("shop-postgresql\r", 0, 0)])
def test_a_destroy_asks_on_a_terminal(addonkit, terminal, keys, status, left):
    addonkit("create", "postgresql:small", "-a", "shop", "--no-wait")
    screen = terminal("destroy", "shop-postgresql")
    screen.until("Type shop-postgresql to continue: ")
    assert "all data of shop-postgresql" in screen.shown
    screen.type(keys)
    assert screen.end() == status
    assert len(json.loads(addonkit("list", "--json").stdout)["instances"]) == left


def test_ctrl_c_at_the_question_destroys_nothing(addonkit, terminal):
    addonkit("create", "postgresql:small", "-a", "shop", "--no-wait")
    screen = terminal("destroy", "shop-postgresql")
    screen.until("Type shop-postgresql to continue: ")
    screen.interrupt()
    assert screen.end() == 130
    assert screen.shown.endswith("interrupted: nothing was changed\r\n")
    assert len(json.loads(addonkit("list", "--json").stdout)["instances"]) == 1


def test_a_secret_is_asked_for_and_not_shown(addonkit, terminal):
    screen = terminal("env", "set", "-a", "shop", "--secret", "API_KEY")
    screen.until("API_KEY: ")
    screen.type("do-not-show\r")
    assert screen.end() == 0
    assert "do-not-show" not in screen.shown
    assert addonkit("env", "-a", "shop", "--format", "dotenv", "--reveal").stdout == "API_KEY='do-not-show'\n"


def test_a_terminal_shows_each_step_as_it_runs(terminal, home):
    screen = terminal("create", "postgresql:small", "-a", "shop", "-v")
    screen.until("1/5 find a place on a server ...")
    screen.type("\x03")
    assert screen.end() in {0, 130}
    again = terminal("create", "postgresql:small", "-a", "shop")
    assert again.end() in {0, 1}
    gone = terminal("destroy", "postgresql", "-a", "shop", "--yes")
    assert gone.end() == 0
    assert left_behind(home) == ()
