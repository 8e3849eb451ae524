"""Two variants have one name."""

from __future__ import annotations

from addonkit import AddonDefinition, VariantDefinition, hookimpl


@hookimpl
def addon_definition():
    return AddonDefinition("twice", "", "", "small", (VariantDefinition("small"), VariantDefinition("small")))


@hookimpl
def addon_provision():
    raise NotImplementedError


@hookimpl
def addon_deprovision():
    raise NotImplementedError
