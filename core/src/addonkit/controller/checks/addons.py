"""Checks addons: those that do not load, and instances whose addon is not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.addons import how_to_install
from addonkit.models.instance import Instance
from addonkit.models.views import Finding
from addonkit.registry.discovery import ADDONS, State

if TYPE_CHECKING:
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store


async def check_addons(store: Store, registry: Registry) -> list[Finding]:
    """Return a finding for each addon that cannot be used, and for each instance that waits for its addon."""
    reports = registry.report()
    findings = [
        Finding("broken-addon", report.name, f"{report.distribution} {report.version}: {report.reason}")
        for report in reports
        if report.state not in {State.OK, State.BLOCKED}
    ]
    known = {report.name for report in reports if report.group == ADDONS}
    for entity in await store.list(Instance):
        instance = entity.value
        if instance.addon not in known:
            problem = f"its addon {instance.addon} is away; {how_to_install(instance)}"
            findings.append(Finding("addon-not-installed", instance.name, problem))
    return findings
