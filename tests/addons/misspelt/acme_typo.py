"""Misspells a hook, as well as having the right ones."""

from __future__ import annotations

from addonkit import AddonDefinition, VariantDefinition, hookimpl


@hookimpl
def addon_definition():
    return AddonDefinition("typo", "typo", "", "small", (VariantDefinition("small"),))


@hookimpl
def addon_provision():
    raise NotImplementedError


@hookimpl
def addon_deprovision():
    raise NotImplementedError


@hookimpl
def addon_unbnid():
    raise NotImplementedError
