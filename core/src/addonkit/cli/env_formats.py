"""Environments written for other programs to read: dotenv and shell. Pure functions.

A value is written in a way that every common reader takes back unchanged, or it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from addonkit.errors import UnwritableValue


def to_dotenv(values: Mapping[str, str]) -> str:
    """`KEY='value'` lines that sh, Node.js, npm dotenv and python-dotenv read alike.

    Single quotes hold everything but `'`, a backslash (python-dotenv reads escapes in them), `${` (it
    expands it even there) and a carriage return (line ends are changed on reading). A value with `'` goes in double
    quotes, which hold everything but `$`, a backslash, `"`, a backtick and line ends.

    Raises:
        UnwritableValue: for a value that fits neither, naming its key.
    """
    return _lines(values, _dotenv_value)


def to_shell(values: Mapping[str, str]) -> str:
    """`export KEY='value'` lines for a POSIX shell, to be read by `.` or `eval`.

    Raises:
        UnwritableValue: for a value with a NUL or with bytes that are no text.
    """
    return "".join(f"export {line}" for line in _each_line(values, _shell_value))


def to_json(values: Mapping[str, str]) -> str:
    """One JSON object, keys to values."""
    return json.dumps(dict(values), indent=2) + "\n"


FORMATS: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = {
    "dotenv": to_dotenv,
    "shell": to_shell,
    "json": to_json,
}


def _lines(values: Mapping[str, str], quote: Callable[[str, str], str]) -> str:
    return "".join(_each_line(values, quote))


def _each_line(values: Mapping[str, str], quote: Callable[[str, str], str]) -> list[str]:
    return [f"{key}={quote(key, value)}\n" for key, value in values.items()]


def _dotenv_value(key: str, value: str) -> str:
    _check_text(key, value, "dotenv")
    advice = "use --format shell or --format json"
    if "\\" in value:
        raise _refused(key, "dotenv", "it has a backslash, which readers take differently", advice)
    if "${" in value:
        raise _refused(key, "dotenv", "it has ${, which some readers expand", advice)
    if "\r" in value:
        raise _refused(key, "dotenv", "it has a carriage return, which readers drop", advice)
    if "'" not in value:
        return f"'{value}'"
    if any(character in value for character in '$"`\n'):
        raise _refused(key, "dotenv", "it has ' together with one of $ \" ` or a line end", advice)
    return f'"{value}"'


def _shell_value(key: str, value: str) -> str:
    _check_text(key, value, "shell")
    return "'" + value.replace("'", "'\\''") + "'"


def _check_text(key: str, value: str, env_format: str) -> None:
    if "\0" in value:
        raise _refused(key, env_format, "it has a NUL, which no environment can hold", "")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused(key, env_format, "it has bytes that are no text", "use --format json") from None


def _refused(key: str, env_format: str, found: str, advice: str) -> UnwritableValue:
    return UnwritableValue(f"cannot write {key} as {env_format}", found, advice, key=key)
