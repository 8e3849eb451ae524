"""The default variant is missing."""

from __future__ import annotations

from addonkit import AddonDefinition, VariantDefinition, hookimpl


@hookimpl
def addon_definition():
    return AddonDefinition("no-default", "", "", "huge", (VariantDefinition("small"),))


@hookimpl
def addon_provision():
    raise NotImplementedError


@hookimpl
def addon_deprovision():
    raise NotImplementedError
