"""The settings that lead to the local service, as lines that a shell can read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_PREFIX: Final = "ADDONKIT_S3_REMOTE_"


def as_lines(settings: Mapping[str, str]) -> str:
    """Return `ADDONKIT_S3_REMOTE_NAME=value` lines; no value needs quotes."""
    return "".join(f"{_PREFIX}{name.upper()}={value}\n" for name, value in settings.items())


def parse_lines(lines: Iterable[str]) -> Mapping[str, str]:
    """Return the settings of such lines."""
    pairs = (line.strip().split("=", 1) for line in lines)
    return {name.removeprefix(_PREFIX).lower(): value for name, value in pairs}
