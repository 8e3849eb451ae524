"""Describes how a Valkey server runs. Pure."""

from __future__ import annotations

from typing import Final

from addonkit import ContainerSpec, File, OptionType, Probe, Program, Secret, Server, admin_password, amount_of
from addonkit_valkey.acl import ADMINISTRATOR, administrator_line, digest, initial_file
from addonkit_valkey.definition import ADDRESS_SPACE, PORT, PROGRAM, SERVER_PROGRAM, SETTINGS, SHARED_PROGRAM
from addonkit_valkey.former import renew_script

MOUNT: Final = "/data"

_COPIES: Final = 4
"""Address space for each byte of data: a child that writes a snapshot may copy all, and connections have buffers."""

_READY: Final = "-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n"
_FULL: Final = "-ERR max number of clients reached"
"""One app may take all connections: the server serves nevertheless, and commands about others do not wait for it."""

_SETTINGS: Final = """\
bind 127.0.0.1
port {port}
aclfile users.acl
daemonize no
unixsocket "{sockets}/valkey.sock"
unixsocketperm 777
"""
"""Paths are relative to the disk, where the server starts: a home may be moved, and its path may hold any sign."""

_CHECK: Final = """\
refuse() {{ echo "users.acl $1; restore it from a copy, or destroy the instance" >&2; exit 78; }}
grep -q '^user {administrator} on .*{digest}' users.acl || refuse 'does not hold the administrator'
grep -qE '^user default (off |on .*#[0-9a-f]{{64}})' users.acl || refuse 'does not lock the user default'
test "$(tr -d '\\n -~' <users.acl | wc -c)" -eq 0 || refuse 'holds signs that no list of users has'
! grep -qE '^user [^ ]+ (.* )?on (.* )?nopass' users.acl || refuse 'holds a user without a password'
! grep -qE '^user [^ ]+ (.* )?nopass (.* )?on' users.acl || refuse 'holds a user without a password'
"""
"""A server with an empty file, or with none, would let everybody in."""

_START: Final = """\
umask 077
run=${{0%/*}}
if test ! -e users.acl; then
  test ! -e "$run/users.made" || {{ echo 'users.acl is missing; restore it, or destroy the instance' >&2; exit 78; }}
  cp "$run/users.first" users.acl.new
  mv users.acl.new users.acl
  : >"$run/users.made"
else
  : >"$run/users.made"
{reset}{check}
fi
{renew}
{log_check}
ulimit -v {space} 2>/dev/null || : # where the machine allows less already, or has no such limit
for program in {programs}; do
  test ! -x "${{PATH%%:*}}/$program" || exec "${{PATH%%:*}}/$program" - <"$run/valkey.conf"
done
echo "${{PATH%%:*}} has none of {programs}" >&2
exit 78
"""
"""A list of users that was there before is checked: what looks at it are eight programs.

Settings come on standard input, since the server takes a path for a pattern. PATH begins with its directory.
"""

_RESET: Final = """\
{{ grep -v '^user {administrator} ' users.acl || test $? -eq 1; echo '{line}'; }} >users.new
mv users.new users.acl
"""

_LOG_CHECK: Final = """\
list=appendonlydir/appendonly.aof.manifest
if test -s "$list"; then
  : >"$run/log.made"
elif test -e "$run/log.made"; then
  echo "$list, the list of its files, is missing or empty; restore it, or destroy the instance" >&2
  exit 78
else
  ( (
    while kill -0 $$ 2>/dev/null && test ! -s "$list"; do sleep 0.1; done
    test ! -s "$list" || : >"$run/log.made"
  ) </dev/null >/dev/null 2>&1 & ) # an orphan: the server must have no child that it does not know
fi
"""
"""Without the list of its files a server begins anew with no data, and removes those that it had."""

_IN_CONTAINER: Final = """\
umask 077
cd {mount}
test -e users.acl || printf '%s' "$ADDONKIT_USERS" >users.acl
unset ADDONKIT_USERS
{check}
{renew}
exec valkey-server - <<'END'
{settings}
END
"""


def program(server: Server) -> Program:
    """Say how a server runs without a container."""
    return _program(server)


def reset_program(server: Server) -> Program:
    """Say how one runs whose administrator gets the recorded password first."""
    return _program(server, _RESET.format(administrator=ADMINISTRATOR, line=administrator_line(admin_password(server))))


def _program(server: Server, reset: str = "") -> Program:
    password = admin_password(server)
    start = _START.format(
        reset=reset,
        check=_check(password),
        renew=_renew(server),
        log_check=_LOG_CHECK if server.config.get("appendonly") == "yes" else "",
        programs=SERVER_PROGRAM.replace("|", " "),
        space=_address_space(server),
    )
    return Program(
        source=SHARED_PROGRAM if server.shared else PROGRAM,
        version=server.version,
        argv=("/bin/sh", "-eu", "{run}/start.sh"),
        probe=Probe("valkey", _probe(password), (_READY, _FULL)),
        files=(
            File("{run}/valkey.conf", _SETTINGS + _limits(server)),
            File("{run}/users.first", Secret(initial_file(password))),
            File("{run}/start.sh", Secret(start)),
        ),
        socket="valkey.sock",
        stop_signal="SIGTERM",
        stop_timeout=20.0,
    )


def container(server: Server) -> ContainerSpec:
    """Say how it runs in one: without this the image's server would have no password."""
    password = admin_password(server)
    settings = f"port {PORT}\naclfile users.acl\n{_limits(server)}"
    script = _IN_CONTAINER.format(mount=MOUNT, check=_check(password), renew=_renew(server), settings=settings)
    return ContainerSpec(("sh", "-euc", script), {"ADDONKIT_USERS": Secret(initial_file(password))}, MOUNT)


def _probe(password: Secret) -> Secret:
    """Return what a server is asked.

    The first PING comes from a stranger: that is refused also while a client has paused the server, so the server is
    seen to live. The second one is logged in: a server that is still loading refuses commands, but not strangers.
    """
    return Secret(f"PING\r\nAUTH {ADMINISTRATOR} {password.reveal()}\r\nPING\r\n")


def _check(password: Secret) -> str:
    return _CHECK.format(administrator=ADMINISTRATOR, digest=digest(password))


def _renew(server: Server) -> str:
    return renew_script() if server.shared else ""


def _address_space(server: Server) -> int:
    """Return kilobytes: those of the variant, more for a server that may hold more data."""
    memory = amount_of(OptionType.SIZE, server.config.get("maxmemory", "")) or 0
    return max(int(server.config[ADDRESS_SPACE]), _COPIES * memory // 1024)


def _limits(server: Server) -> str:
    return "".join(f"{name} {server.config[name]}\n" for name in SETTINGS if name in server.config)
