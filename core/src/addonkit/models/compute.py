"""Pools, services and disks, and how a server runs without a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import attrs

from addonkit.models.address import Address
from addonkit.models.definition import ProgramSource
from addonkit.models.secret import Secret
from addonkit.util.values import frozen


@frozen
class Port:
    """A port of a server program: its name and the number it has inside a container."""

    name: str
    number: int


@frozen
class Mount:
    """The path at which a container sees a volume."""

    volume: str
    path: str


@frozen
class Volume:
    """A disk handed to a pool. `size_gb` is in gibibytes."""

    name: str
    disk: str
    size_gb: int = 1


@frozen
class File:
    """A file written (mode 0600) for a server. `path` and `content` know the placeholders of Program.

    With `once` it is written only when it is not there: the server itself changes it.
    """

    path: str
    content: str | Secret
    once: bool = False


@frozen
class Probe:
    """A question in a server's own protocol that tells whether it is ready.

    After connecting to `port`, `send` is written. The server is ready when its answer starts with one of `expect`. It
    is also ready when `pattern`, a regular expression, matches anywhere in the answer. Patterns are for greetings that
    begin with their length or come before the answer.
    Bytes are given as text in Latin-1. `port` is the name of one of the
    pool's: that of a ServerAddon is named like the addon, its `more_ports` have their own names.
    """

    port: str
    send: str | Secret
    expect: tuple[str, ...] = ()
    pattern: str = ""


@frozen
class DiskTemplate:
    """A disk that is prepared once, and copied for each server of the same program.

    A template holds no secret and nothing of one server: `prepare` and `files` know `{disk}` and `{run}`, no port.

    Attributes:
        prepare: command lines that turn an empty disk into the template, run once, in order.
        files: written before `prepare`, removed after it.
        adapt: `module:function` that makes a copy the disk of one server. It is called with the copy's directory and
            `values`; blocking. When it raises, the copy is thrown away, and `Program.prepare` is run instead.
        values: what it needs, such as passwords.
    """

    prepare: tuple[tuple[str, ...], ...]
    files: tuple[File, ...] = ()
    adapt: str = ""
    values: Mapping[str, str | Secret] = attrs.field(factory=dict)


@frozen
class Program:
    """A server as a process of this machine.

    Placeholders in `argv`, `prepare`, `files`, `env`: `{port}` (of the first port) and `{port:NAME}`, `{disk}`
    (directory of the first volume; servers start in it), `{run}` (a private directory) and `{sockets}`. `{run}` lives
    as long as the pool. In `{sockets}` only the server's user can make Unix sockets. It is a short path, from the
    directory that the server starts in: a socket's path has at most 107 bytes. A server that goes to its data directory
    first finds it where that is `{disk}`. Never put a secret in an argv: everybody on the machine reads it.

    Attributes:
        source: where the executables are found.
        version: the version to run; matches whole leading components (`18` takes `18.6`).
        argv: the server's command line; the first word is one of the executables, as the source names it.
        prepare: command lines that turn an empty disk into a usable one, run once, in order. Their first word is
            one of the executables, or the absolute path of a helper.
        prepare_files: written before `prepare`, removed after it.
        template: a faster way to the same: a prepared disk that is copied. Without one, `prepare` is run.
        before_start: command lines that are run on a prepared disk before each start, as the user who prepares, with
            `prepare_files`. For what a server does not do as itself, as letting its administrator in anew.
        files: written before each start.
        env: environment of the server and of `prepare`, on top of a minimal one.
        probe: readiness in the server's own protocol.
        stop_signal: asks for a graceful end; `SIGQUIT` and `SIGKILL` follow.
        stop_timeout: seconds granted to it.
        pid_file: the server's own lock file below the disk. It is removed before a start if its process does not
            run there.
        named_user: what needs a user with an entry in /etc/passwd. Where root runs addonkit, a server has a uid of
            its own without one; `prepare` then runs as a user with a name, and so does the server with `always`.
        socket: name of the Unix socket that the server makes in `{sockets}`; knows `{port}`. The probe and the
            administrator then go through it: unlike a port, no other user of the machine can take its place.
    """

    source: ProgramSource
    version: str
    argv: tuple[str, ...]
    probe: Probe
    prepare: tuple[tuple[str, ...], ...] = ()
    prepare_files: tuple[File, ...] = ()
    template: DiskTemplate | None = None
    before_start: tuple[tuple[str, ...], ...] = ()
    files: tuple[File, ...] = ()
    env: Mapping[str, str | Secret] = attrs.field(factory=dict)
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 30.0
    pid_file: str = ""
    socket: str = ""
    named_user: Literal["", "prepare", "always"] = ""


@frozen
class CreateSandboxPoolSpec:
    """The desired running copies of one server.

    Attributes:
        name: chosen by the caller; the same name is the same pool.
        image: container image, for container backends.
        program: the same server without a container, for the process backend.
        env: environment of the container.
        ports: ports the server listens on.
        desired_instances: how many copies; the process backend runs 0 or 1.
        labels: what services match on.
        sandbox_prefix: prefix for the names of the copies.
        command: container command; empty means the image's own.
        mounts: where a container sees its volumes.
        volumes: disks.
        port_wait_timeout: seconds a started server has until it is ready.
    """

    name: str
    image: str = ""
    program: Program | None = None
    env: Mapping[str, str | Secret] = attrs.field(factory=dict)
    ports: tuple[Port, ...] = ()
    desired_instances: int = 1
    labels: Mapping[str, str] = attrs.field(factory=dict)
    sandbox_prefix: str = ""
    command: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    volumes: tuple[Volume, ...] = ()
    port_wait_timeout: float = 15.0


@frozen
class Pool:
    """A pool as the store knows it: what is wanted, and the addresses its backend gave it.

    Attributes:
        name: of the spec.
        spec: what is wanted.
        backend: which backend runs it.
        host: where its ports are.
        ports: port name to the number it really has; empty until the backend placed it.
    """

    kind: ClassVar[str] = "pool"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    spec: CreateSandboxPoolSpec
    backend: str
    host: str = ""
    ports: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def address(self) -> Address | None:
        """Return where its first port is; None until the backend placed it."""
        for port in self.spec.ports:
            if port.name in self.ports:
                return Address(self.host, self.ports[port.name])
        return None


@frozen
class SharedUser:
    """A user of the machine that runs a copy, and other servers or programs too: one that is broken into reaches all.

    Attributes:
        name: of the user.
        first: what to do before a restart ends it; empty when a restart does.
    """

    name: str
    first: str = ""


@frozen
class PoolState:
    """The state of a pool as its backend sees it now.

    Attributes:
        running: copies alive.
        ready: copies that answer in their own protocol.
        exit_status: how the last copy ended, when none runs; negative is a signal, None unknown or never started.
        started: whether a copy was ever started.
        log_tail: the last lines of the log.
        pid: of the copy, on backends that have one.
        socket: path of the Unix socket of a ready copy; empty without one.
        problem: why the pool cannot be judged or used from here; empty when it can.
        elsewhere: whether another container, namespace or machine runs it; then there is a problem.
        age: seconds since the latest start; None when that is not known, or it was stopped on purpose.
        strangers: other processes that listen where apps look for the copy, a clause each.
        shared_user: who runs the copy, when others of the machine have that user too.
        addresses: where the copy listens on its first port.
    """

    running: int = 0
    ready: int = 0
    started: bool = False
    exit_status: int | None = None
    log_tail: str = ""
    pid: int | None = None
    socket: str = ""
    problem: str = ""
    elsewhere: bool = False
    age: float | None = None
    strangers: tuple[str, ...] = ()
    shared_user: SharedUser | None = None
    addresses: tuple[str, ...] = ()


@frozen
class Service:
    """The address in front of the pools whose labels contain `match_labels`."""

    kind: ClassVar[str] = "service"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    match_labels: Mapping[str, str]
    port: int


@frozen
class Disk:
    """The storage of a server; lives until it is deleted by name. `size_gb` is in gibibytes."""

    kind: ClassVar[str] = "disk"
    indexed: ClassVar[tuple[str, ...]] = ()

    name: str
    size_gb: int
    backend: str = ""


@frozen
class DiskSpace:
    """The room where data of servers are.

    Attributes:
        path: a directory there.
        free: bytes that data may still take.
        size: bytes of the whole.
        files_free: files that there may still be.
        files: files that there may be; 0 where nothing limits them.
    """

    path: str
    free: int
    size: int
    files_free: int = 0
    files: int = 0


@frozen
class ExecResult:
    """The end of a command that ran beside a server."""

    status: int
    stdout: str
    stderr: str


@frozen
class FoundProgram:
    """One directory that holds a server's executables.

    Attributes:
        directory: absolute path.
        version: as printed by the program, `18.6`.
        origin: `configuration`, `PATH`, `system` or `wheel`.
    """

    directory: str
    version: str
    origin: str
    package: str = ""
