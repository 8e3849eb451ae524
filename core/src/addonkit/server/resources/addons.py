"""Addons that are installed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import attrs

from addonkit.errors import UnknownAddon
from addonkit.models.definition import AddonDefinition, VariantDefinition
from addonkit.registry.discovery import ADDONS
from addonkit.registry.entry_points import AddonReport
from addonkit.server.endpoints import Call, Endpoints, Page
from addonkit.server.paging import ListQuery, page

endpoint: Final = Endpoints()


@attrs.frozen
class VariantResource:
    """A size or shape of an addon.

    Attributes:
        name: what stands after the colon.
        default: whether it is the one without a colon.
        description: one line.
        details: what users are shown.
        variables: names of the variables it gives.
    """

    name: str
    default: bool
    description: str
    details: Mapping[str, str]
    variables: tuple[str, ...]


@attrs.frozen
class AddonResource:
    """A kind of backing service.

    Attributes:
        name: of the addon.
        distribution: that brings it.
        version: of the distribution.
        state: `ok`, or why it cannot be used.
        reason: more about that.
        description: one line.
        variants: that can be created.
    """

    name: str
    distribution: str
    version: str
    state: str
    reason: str
    description: str
    variants: tuple[VariantResource, ...]


@endpoint("GET", "/v1/addons")
async def list_addons(call: Call, query: ListQuery) -> Page[AddonResource]:
    """List addons by name, also those that cannot be used."""
    found = await asyncio.to_thread(_all, call)
    return page(found, lambda each: f"{each.name} {each.distribution}", query)


@endpoint("GET", "/v1/addons/{addon}")
async def get_addon(call: Call, addon: str) -> AddonResource:
    """Show an addon."""
    for each in await asyncio.to_thread(_all, call):
        if each.name == addon:
            return each
    raise UnknownAddon(call.attempted, f"there is no addon {addon!r}", "see /v1/addons")


def _all(call: Call) -> list[AddonResource]:
    definitions = {each.name: each for each in call.kit.registry.list_addons()}
    reports = [each for each in call.kit.registry.report() if each.group == ADDONS]
    return [_resource(each, definitions.get(each.name)) for each in reports]


def _resource(report: AddonReport, definition: AddonDefinition | None) -> AddonResource:
    variants = tuple(_variant(definition, each) for each in definition.variants) if definition else ()
    description = definition.description if definition else ""
    state = str(report.state)
    return AddonResource(report.name, report.distribution, report.version, state, report.reason, description, variants)


def _variant(definition: AddonDefinition, variant: VariantDefinition) -> VariantResource:
    return VariantResource(
        variant.name,
        variant.name == definition.default_variant,
        variant.description,
        variant.details,
        definition.variables_of(variant.name),
    )
