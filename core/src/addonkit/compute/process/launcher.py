"""Becomes a server: writes down who it is, gives up root, writes its files, executes the program.

Run as `python -I -S launcher.py` by `launch_request`, never imported for its work. Standard library only, and as
little of it as possible: this is start-up time. The order comes as JSON on standard input, since it may
hold secrets:

`record`  path of the run record, or null. With one, the process detaches itself and becomes the server;
          the record is written first, by the process that becomes it: the process that started it may die at any
          moment and the server is still known.
`starts`  copied into the record, as are `disks` and `home`.
`log`     path of the log of a detached process.
`rotator` command that bounds this log; pid and start time of the detached process go behind it.
`user`    null, or [uid, gid] to give up root for.
`remove`  paths to delete; `files` [path, content, once] to write with mode 0600. Both are done as that
          user: nothing that it may have put in the way, such as a symbolic link, turns root's hand.
`sockets` directory to empty of what a former server left, or null; also as that user.
`argv`    what to become; empty means nothing.
`env`, `cwd` of it.
`boot`, `pids`  ids of this boot and of this namespace of processes, for the record.
`fault`   descriptor on which a failure is reported; its end means success.
`hold`    descriptors to keep open until then; other ones that it inherited stay open in the program.
"""

import json
import os
import resource
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INHERITED = ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM", "SIGPIPE", "SIGXFSZ")
"""Signals that Python, or `nohup` in front of it, ignores; a program inherits that unless it is undone."""

COPIED = ("boot", "pids", "starts", "disks", "home")
"""What the record says besides pid and start time."""

UNLIMITED = (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_DATA, resource.RLIMIT_AS)
"""Limits of a shell that would end a server after a while."""

OPEN_FILES = 65536


def main() -> None:
    """Carry out the order; does not return."""
    order = json.load(sys.stdin)
    # Two forks make a server no child of ours: the process that started it need not collect it.
    if order["record"] and (server := os.fork()):
        _start_rotator(order["rotator"], server)
        os._exit(0)
    try:
        _follow(order)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be told
        os.write(order["fault"], str(error).encode(errors="replace")[:2000])
        os._exit(127)
    os._exit(0)


def _follow(order: "dict[str, Any]") -> None:
    for descriptor in (order["fault"], *order["hold"]):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes no keywords
    if order["record"]:
        os.setsid()
        _redirect(order["log"])
        _write_record(order)
        _reset_limits()
        _reset_priority()
    _become(order["user"])
    os.umask(0o077)
    for path in order["remove"]:
        _remove(path)
    for name in os.listdir(order["sockets"]) if order["sockets"] else ():  # noqa: PTH208 - no pathlib here
        _remove(f"{order['sockets']}/{name}")
    for path, content, once in order["files"]:
        if not (once and os.path.lexists(path)):
            _write(path, content)
    if order["argv"]:
        os.chdir(order["cwd"])
        _reset_signals()
        os.execve(order["argv"][0], order["argv"], order["env"])  # noqa: S606 - becoming the server is the job


def _start_rotator(command: "list[str]", server: int) -> None:
    """Start what bounds the log: no child of the server, and without anything that is open here."""
    try:
        started = _start_time(server)
        if os.fork():
            return
    except OSError:
        return
    try:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.execve(command[0], [*command, str(server), str(started)], {})  # noqa: S606 - our own rotator
    finally:
        os._exit(127)


def _redirect(log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)


def _write_record(order: "dict[str, Any]") -> None:
    record = {"pid": os.getpid(), "started": _start_time(os.getpid())}
    _write(order["record"], json.dumps({**record, **{name: order[name] for name in COPIED}}))


def _start_time(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return int(stat.read().rpartition(")")[2].split()[19])


def _become(user: "list[int] | None") -> None:
    if user:
        os.setgroups([])
        os.setgid(user[1])
        os.setuid(user[0])


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108


def _write(path: str, content: str) -> None:
    draft = f"{path}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(content)
        out.flush()
        os.fsync(descriptor)
    os.replace(draft, path)  # noqa: PTH105


def _reset_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for name in INHERITED:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def _reset_limits() -> None:
    """Lift the limits that the shell of the first command happened to have, as far as that is allowed."""
    for limit in UNLIMITED:
        _raise_limit(limit, resource.RLIM_INFINITY)
    _raise_limit(resource.RLIMIT_NOFILE, OPEN_FILES)


def _raise_limit(limit: int, wanted: int) -> None:
    soft, hard = resource.getrlimit(limit)
    if soft == resource.RLIM_INFINITY or (wanted not in {soft, resource.RLIM_INFINITY} and soft > wanted):
        return
    for most in (resource.RLIM_INFINITY, hard):
        try:
            resource.setrlimit(limit, (wanted if most == resource.RLIM_INFINITY else most, most))
        except (OSError, ValueError):
            continue
        return


def _reset_priority() -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        return


if __name__ == "__main__":
    main()
