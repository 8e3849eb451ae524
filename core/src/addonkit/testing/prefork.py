"""Starts the command line in a fraction of the time: forks it from a process that has imported the core already.

Tests and the conformance kit run hundreds of commands, each of which would import for a third of a second. Here a
*server*, a fresh Python without threads, imports the core once. Each command is a fork of it: a process of its own,
that can be killed like any other. The server ends with the process that started it.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module, invalidate_caches
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import walk_packages
from runpy import run_module
from typing import Final

import attrs
from packaging.requirements import Requirement

_FLOORS: Final = (
    *("cli", "kit", "controller", "registry", "provider", "engine"),
    *("compute", "images", "store", "saga", "models", "util"),
)
"""Folders of the core that nearly every command needs. No addon: a command imports those itself, as it always does."""

_LAZY: Final = ("addonkit.api", "cryptography.hazmat.primitives.ciphers.aead", "importlib_metadata", "sqlite3", "ssl")
"""What is imported late, and needed nearly always."""

_LONGEST: Final = 1024 * 1024
"""Bytes of a request: the command line and the environment."""

_READ_AT_START: Final = ("PYTHON", "LC_", "LANG", "COVERAGE_")
"""Beginnings of variables that Python itself reads when it starts."""


@attrs.frozen
class _Server:
    process: subprocess.Popen[bytes]
    requests: socket.socket

    def end(self) -> None:
        self.requests.close()
        self.process.wait()


_servers: list[_Server] = []
"""The one server, once it runs."""

_told: set[int] = set()
"""Processes that have told the server which libraries they have imported."""

_starting = threading.Lock()


def can_run(environ: Mapping[str, str]) -> bool:
    """Return whether a command in this environment behaves like one that Python is started for."""
    return _read_at_start(environ) == _read_at_start(os.environ)


def _read_at_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in environ.items() if k.startswith(_READ_AT_START) and k != "PYTHONPATH"}


def run(
    words: Sequence[str],
    environ: Mapping[str, str],
    input: str,
    timeout: float,
    folder: Path | None = None,
    *,
    together: bool = False,
) -> tuple[int, str, str]:
    """Run `addonkit` to its end.

    Args:
        words: the command line without the name of the program.
        environ: of the command.
        input: what it reads.
        timeout: seconds after which it is killed.
        folder: where it works; where this process does by default.
        together: write both outputs into the first one, in the order in which they come.

    Returns:
        The status as `subprocess` has it, and the text of both outputs.

    Raises:
        subprocess.TimeoutExpired: when it takes longer.
    """
    request = json.dumps([list(words), dict(environ), str(folder or Path.cwd()), _umask()]).encode()
    with _files() as (stdin, stdout, stderr):
        os.write(stdin, input.encode())
        os.lseek(stdin, 0, os.SEEK_SET)
        told, telling = os.pipe()
        try:
            errors = stdout if together else stderr
            socket.send_fds(_server().requests, [request], [stdin, stdout, errors, telling])
        finally:
            os.close(telling)
        with os.fdopen(told, "rb", buffering=0) as lines:
            pid = int(lines.readline())
            if not select.select([lines], [], [], timeout)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(["addonkit", *words], timeout, _text(stdout), _text(stderr))
            return int(lines.readline()), _text(stdout), _text(stderr)


def _umask() -> int:
    """Read it without a change, which other threads would see; -1 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return -1
    return next((int(line.split()[1], 8) for line in lines if line.startswith("Umask:")), -1)


@contextmanager
def _files() -> Iterator[tuple[int, ...]]:
    files = tuple(os.memfd_create(name) for name in ("stdin", "stdout", "stderr"))
    try:
        yield files
    finally:
        for each in files:
            os.close(each)


def _text(file: int) -> str:
    with os.fdopen(os.dup(file), "rb") as content:
        content.seek(0)
        return content.read().decode().replace("\r\n", "\n")


def start() -> None:
    """Start the server for this process and its forks, unless it runs; the first command would."""
    with _starting:
        if not _servers:
            _servers.append(_start())


def _server() -> _Server:
    """Return the server of this process, or the one of the process that it is a fork of."""
    start()
    (server,) = _servers
    if os.getpid() not in _told:
        _told.add(os.getpid())
        server.requests.send(json.dumps(_libraries()).encode())
    return server


def _start() -> _Server:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
    with its:
        # The conformance kit marks what a check starts; the server outlives the check.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CONFORMANCE_")}
        process = subprocess.Popen(  # noqa: S603 - this module itself
            [sys.executable, "-P", "-m", __name__, str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            env=environ,
        )
    server = _Server(process, ours)
    atexit.register(_end, os.getpid(), server)
    return server


def _libraries() -> list[str]:
    """Return what this process has imported of the libraries that installed addons require: commands will, too."""
    addons = {each.dist for each in entry_points(group="addonkit.addons") if each.dist is not None}
    lines = [line for dist in addons for line in dist.requires or () if "extra ==" not in line]
    packages = {Requirement(line).name.replace("-", "_") for line in lines} - {"addonkit"}
    return [name for name in sys.modules if name.partition(".")[0] in packages]


def _end(pid: int, server: _Server) -> None:
    if pid == os.getpid():
        server.end()


def _serve(requests: socket.socket) -> None:
    """Fork for each request until the other end is closed. Returns in the process that is to be a command."""
    _import((*_LAZY, *_core()))
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks of this process are not waited for
    while True:
        request, files, _, _ = socket.recv_fds(requests, _LONGEST, 4)
        if not request:
            os._exit(0)
        if not files:
            _import(json.loads(request))
            continue
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, interrupt)
            _become(request, files)
            return
        for each in files:
            os.close(each)


def _import(names: Iterable[str]) -> None:
    for name in names:
        with suppress(ImportError):  # which is the command's to tell
            import_module(name)


def _core() -> Iterator[str]:
    """Yield the names of all modules of the folders that commands need."""
    for floor in _FLOORS:
        package = import_module(f"addonkit.{floor}")
        yield from (each.name for each in walk_packages(package.__path__, f"{package.__name__}.") if not each.ispkg)


def _become(request: bytes, files: Sequence[int]) -> None:
    """Tell the pid and the status of the command that a second fork becomes; return in that one."""
    *streams, telling = files
    pid = os.fork()
    if pid:
        for each in streams:
            os.close(each)
        os.write(telling, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # the caller waited for too long
            os.write(telling, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    os.close(telling)
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    words, environ, folder, umask = json.loads(request)
    os.chdir(folder)
    if umask >= 0:
        os.umask(umask)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["addonkit", *words]
    sys.path[:0] = filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))
    invalidate_caches()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    run_module("addonkit", run_name="__main__", alter_sys=True)
