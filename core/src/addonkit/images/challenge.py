"""Reading `WWW-Authenticate` (RFC 9110, 11.6.1). Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

_WORD: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_GAP: Final = re.compile(r"[ \t,]*")
_PARAMETER: Final = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))', re.DOTALL)
# Behind some schemes stands one opaque word (`Negotiate YII=`) in the place of parameters.
_SCHEME: Final = re.compile(rf"({_WORD})(?:[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$)))?(?=[ \t,]|$)")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@attrs.frozen
class Challenge:
    """One way of authentication that a server offers.

    Attributes:
        scheme: in small letters, as `basic` or `bearer`.
        parameters: names in small letters; of a name that is given twice, the first value.
    """

    scheme: str
    parameters: Mapping[str, str] = attrs.field(factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the challenges of all `WWW-Authenticate` headers, in order. What is malformed ends its header silently."""
    return tuple(challenge for header in headers for challenge in _parse(header))


def _parse(header: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = _skip(header, 0)
    while position < len(header):
        parameter = _PARAMETER.match(header, position) if found else None
        match = parameter or _SCHEME.match(header, position)
        if match is None:
            break
        if parameter:
            found[-1][1].setdefault(parameter[1].lower(), _value(parameter))
        else:
            found.append((match[1].lower(), {}))
        position = _skip(header, match.end())
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def _skip(header: str, position: int) -> int:
    match = _GAP.match(header, position)
    return match.end() if match else position


def _value(parameter: re.Match[str]) -> str:
    quoted, bare = parameter[2], parameter[3]
    return bare if quoted is None else _ESCAPED.sub(r"\1", quoted)
