"""Environments written line by line: dotenv, shell, docker and systemd. Pure functions.

A value is written in a way that every common reader takes back unchanged, or it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from addonkit.errors import UnwritableValue


def to_dotenv(values: Mapping[str, str]) -> str:
    """Return `KEY='value'` lines that sh, Node.js, npm dotenv and python-dotenv read alike.

    Single quotes hold everything but four things. python-dotenv reads escapes after a backslash, and expands `${`.
    Readers change line ends, a carriage return too. A `'` ends the text. A value with `'` goes in double quotes: they
    hold everything but `$`, a backslash, `"`, a backtick and line ends.

    Raises:
        UnwritableValue: for a value that fits neither, naming its key.
    """
    return _lines(values, _dotenv_value)


def to_shell(values: Mapping[str, str], unset: Sequence[str] = ()) -> str:
    """Return `unset KEY` and `export KEY='value'` lines for a POSIX shell, to be read by `.` or `eval`.

    Args:
        values: what is exported.
        unset: names that the shell may have and must lose; a trailing `*` stands for any ending.

    Raises:
        UnwritableValue: for a value with a NUL or with bytes that are no text.
    """
    exports = [f"export {line}" for line in _each_line(values, _shell_value)]
    return "".join((*(_shell_unset(name) for name in unset if name not in values), *exports))


def to_docker(values: Mapping[str, str]) -> str:
    """Return `KEY=value` lines without quotes, as `docker run --env-file` and `podman run --env-file` read them.

    Raises:
        UnwritableValue: for a value with a line end, or one longer than a line that Docker reads.
    """
    return _lines(values, _docker_value)


def to_systemd(values: Mapping[str, str]) -> str:
    """Return `KEY="value"` lines for `EnvironmentFile=` of a systemd unit; nothing in them is expanded.

    Raises:
        UnwritableValue: systemd would leave the value out, or could not start a program with it.
    """
    return _lines(values, _systemd_value)


_SYSTEMD_ESCAPED: Final = re.compile(r'["\\`$]')
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PLANE_ENDS: Final = "".join(chr(plane | end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF))
_NONCHARACTER: Final = re.compile(f"[\ufdd0-\ufdef{_PLANE_ENDS}]")

_DOCKER_LINE: Final = 64 * 1024 - 1
"""Bytes of the longest line that Docker reads of an environment file."""


def _shell_unset(name: str) -> str:
    if not name.endswith("*"):
        return f"unset {name}\n"
    names = f"$(env | sed -n 's/^\\({name[:-1]}[A-Za-z0-9_]*\\)=.*/\\1/p')"
    return f'for _addonkit_name in {names}; do unset "$_addonkit_name"; done\n'


def _lines(values: Mapping[str, str], quote: Callable[[str, str], str]) -> str:
    return "".join(_each_line(values, quote))


def _each_line(values: Mapping[str, str], quote: Callable[[str, str], str]) -> list[str]:
    return [f"{key}={quote(key, value)}\n" for key, value in values.items()]


def _dotenv_value(key: str, value: str) -> str:
    check_text(key, value, "dotenv")
    advice = "use --format shell or --format json"
    if "\\" in value:
        raise refused(key, "dotenv", "it has a backslash, which readers take differently", advice)
    if "${" in value:
        raise refused(key, "dotenv", "it has ${, which some readers expand", advice)
    if "\r" in value:
        raise refused(key, "dotenv", "it has a carriage return, which readers drop", advice)
    if "'" not in value:
        return f"'{value}'"
    if any(character in value for character in '$"`\n'):
        raise refused(key, "dotenv", "it has ' together with one of $ \" ` or a line end", advice)
    return f'"{value}"'


def _shell_value(key: str, value: str) -> str:
    check_text(key, value, "shell")
    return "'" + value.replace("'", "'\\''") + "'"


def _docker_value(key: str, value: str) -> str:
    check_text(key, value, "docker")
    advice = "use --format json"
    if "\n" in value or "\r" in value:
        raise refused(key, "docker", "it has several lines, and this format ends a value with the line", advice)
    if len(f"{key}={value}".encode()) > _DOCKER_LINE:
        raise refused(key, "docker", f"it is longer than the {_DOCKER_LINE} bytes that Docker reads", advice)
    return value


def _systemd_value(key: str, value: str) -> str:
    check_text(key, value, "systemd")
    advice = "use --format json"
    if _NONCHARACTER.search(value):
        raise refused(key, "systemd", "it has a Unicode noncharacter, for which systemd reads no line", advice)
    if _CONTROL.search(value):
        raise refused(key, "systemd", "it has a control character, which older releases leave out", advice)
    return '"' + _SYSTEMD_ESCAPED.sub(r"\\\g<0>", value) + '"'


def check_text(key: str, value: str, env_format: str) -> None:
    """Raise UnwritableValue for a value with a NUL or with bytes that are no text."""
    if "\0" in value:
        raise refused(key, env_format, "it has a NUL, which no environment can hold", "")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refused(key, env_format, "it has bytes that are no text", "use --format json") from None


def refused(key: str, env_format: str, found: str, advice: str) -> UnwritableValue:
    """Return the error that says which variable a format cannot hold; its value is not shown."""
    return UnwritableValue(f"cannot write {key} as {env_format}", found, advice, key=key)
