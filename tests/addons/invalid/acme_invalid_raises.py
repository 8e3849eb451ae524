"""The definition raises."""

from __future__ import annotations

from addonkit import hookimpl


@hookimpl
def addon_definition():
    return {}["nothing"]


@hookimpl
def addon_provision():
    raise NotImplementedError


@hookimpl
def addon_deprovision():
    raise NotImplementedError
