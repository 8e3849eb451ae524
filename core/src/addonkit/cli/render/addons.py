"""What people are shown of addons: values to text, pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from addonkit.cli.render.table import table
from addonkit.cli.streams import clean
from addonkit.models.compute import FoundProgram
from addonkit.models.definition import AddonDefinition
from addonkit.registry.discovery import State
from addonkit.registry.entry_points import AddonReport
from addonkit.registry.registry import FIRST_ADDON

NO_ADDONS = f"no addons are installed; an addon is a pip package: {FIRST_ADDON} brings one"


@attrs.frozen
class Listed:
    """An entry point with what is known of it.

    Attributes:
        report: what became of it.
        definition: of an addon that can be used.
        programs: servers found on this machine that it can run, newest first.
    """

    report: AddonReport
    definition: AddonDefinition | None = None
    programs: Sequence[FoundProgram] = ()


def addons_text(found: Sequence[Listed], *, traces: bool) -> str:
    """A table of addons that can be used, then a line for everything that cannot."""
    rows = [_row(each.definition, each.programs) for each in found if each.definition]
    faults = [line for each in found if each.report.reason for line in _fault(each.report, traces=traces)]
    listed = table(("NAME", "DESCRIPTION", "VARIANTS", "DEFAULT", "AVAILABLE"), rows) if rows else NO_ADDONS
    return "\n".join((listed, *(("", *faults) if faults else ())))


def _row(definition: AddonDefinition, programs: Sequence[FoundProgram]) -> tuple[str, ...]:
    variants = ", ".join(variant.name for variant in definition.variants)
    versions = ", ".join(dict.fromkeys(program.version for program in programs))
    missing = "none found" if definition.program else "-"
    return definition.name, definition.description, variants, definition.default_variant, versions or missing


def _fault(report: AddonReport, *, traces: bool) -> list[str]:
    who = f"{report.distribution} {report.version}".strip()
    state = "in conflict" if report.state is State.CONFLICT else report.state
    line = f"{clean(report.name)} of {clean(who) or 'this program'} is {state}: {clean(report.reason)}"
    return [line, *(f"  {clean(each)}" for each in report.trace.splitlines())] if traces else [line]


def variants_text(definition: AddonDefinition) -> str:
    """A table of variants: the default one is marked, details stand in columns of their own."""
    titles = list(dict.fromkeys(title for variant in definition.variants for title in variant.details))
    rows = [
        (
            variant.name + (" (default)" if variant.name == definition.default_variant else ""),
            variant.description,
            *(variant.details.get(title, "-") for title in titles),
            ", ".join(definition.variables_of(variant.name)) or "-",
        )
        for variant in definition.variants
    ]
    return table(("VARIANT", "DESCRIPTION", *(title.upper() for title in titles), "VARIABLES"), rows)
