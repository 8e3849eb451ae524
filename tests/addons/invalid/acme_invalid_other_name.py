"""The definition has another name than the entry point."""

from __future__ import annotations

from addonkit import AddonDefinition, VariantDefinition, hookimpl


@hookimpl
def addon_definition():
    return AddonDefinition("another", "", "", "small", (VariantDefinition("small"),))


@hookimpl
def addon_provision():
    raise NotImplementedError


@hookimpl
def addon_deprovision():
    raise NotImplementedError
