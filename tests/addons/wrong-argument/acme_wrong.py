"""Asks for an argument that the hook does not have."""

from __future__ import annotations

from addonkit import AddonDefinition, VariantDefinition, hookimpl


@hookimpl
def addon_definition():
    return AddonDefinition("wrong", "wrong", "", "small", (VariantDefinition("small"),))


@hookimpl
def addon_provision(app, databse):
    raise NotImplementedError


@hookimpl
def addon_deprovision():
    raise NotImplementedError
