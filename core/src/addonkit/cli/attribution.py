"""Finds out whose code raised an unexpected exception."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType

import addonkit


def attribute(error: BaseException) -> str:
    """Return the distribution whose code comes last in the trace, when it provides addons or plugins; else addonkit.

    As `addonkit-postgresql 1.2 (addon postgresql)`.
    """
    names = _owners()
    for package in reversed(_packages(error.__traceback__)):
        if package in names:
            return names[package]
        if package == "addonkit":
            break
    return f"addonkit {addonkit.__version__}"


def _owners() -> dict[str, str]:
    """Return top-level package of every installed addon and plugin, to who it is."""
    from importlib_metadata import entry_points

    owners = {}
    for kind in ("addon", "plugin"):
        for entry in entry_points(group=f"addonkit.{kind}s"):
            # Metadata of strangers: a value may be no entry point at all, a distribution may lack its version.
            with suppress(Exception):
                who = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
                owners[entry.module.partition(".")[0]] = f"{who} ({kind} {entry.name})"
    return owners


def _packages(trace: TracebackType | None) -> list[str]:
    found = []
    while trace is not None:
        found.append(str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0])
        trace = trace.tb_next
    return found
