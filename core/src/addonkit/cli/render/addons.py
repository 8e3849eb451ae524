"""Renders addons for people: values to text, pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from addonkit.cli.render.table import table, wrap
from addonkit.cli.streams import clean
from addonkit.compute.process.versions import matches
from addonkit.models.compute import FoundProgram
from addonkit.models.definition import AddonDefinition
from addonkit.registry.discovery import State
from addonkit.registry.entry_points import AddonReport
from addonkit.registry.grades import Graded
from addonkit.registry.registry import FIRST_ADDON

NO_ADDONS = f"no addons are installed; an addon is a pip package: {FIRST_ADDON} brings one"


@attrs.frozen
class Listed:
    """An entry point with what is known of it.

    Attributes:
        report: what became of it.
        definition: of an addon that can be used.
        programs: servers found on this machine that it can run, newest first.
        graded: what the conformance kit said of it, as its distribution has it.
    """

    report: AddonReport
    definition: AddonDefinition | None = None
    programs: Sequence[FoundProgram] = ()
    graded: Graded | None = None


def addons_text(found: Sequence[Listed], *, traces: bool) -> str:
    """Return a table of addons that can be used, then a line for everything that cannot."""
    rows = [(*_row(each.definition, each.programs), _graded(each)) for each in found if each.definition]
    faults = [line for each in found if each.report.reason for line in _fault(each.report, traces=traces)]
    listed = table(("NAME", "DESCRIPTION", "VARIANTS", "AVAILABLE", "CONFORMANCE"), rows) if rows else NO_ADDONS
    return "\n".join((listed, *(("", *faults) if faults else ())))


def _row(definition: AddonDefinition, programs: Sequence[FoundProgram]) -> tuple[str, ...]:
    variants = ", ".join(f"{v.name}{_default(v.name == definition.default_variant)}" for v in definition.variants)
    wanted = definition.default_version
    found = dict.fromkeys(program.version for program in programs)
    default = next((v for v in found if wanted and matches(v, wanted)), next(iter(found), ""))
    versions = ", ".join(f"{version}{_default(version == default and len(found) > 1)}" for version in found)
    missing = "none found" if definition.program else "-"
    return definition.name, definition.description, variants, versions or missing


def _graded(listed: Listed) -> str:
    """Return the grade; with the version that it was given to, where another one is installed."""
    graded = listed.graded
    if graded is None:
        return "-"
    return graded.grade if graded.version == listed.report.version else f"{graded.grade} ({clean(graded.version)})"


def _default(is_default: bool) -> str:
    return " (default)" if is_default else ""


def _fault(report: AddonReport, *, traces: bool) -> list[str]:
    who = f"{report.distribution} {report.version}".strip()
    state = "in conflict" if report.state is State.CONFLICT else report.state
    line = f"{clean(report.name)} of {clean(who) or 'this program'} is {state}: {clean(report.reason)}"
    return [line, *(f"  {clean(each)}" for each in report.trace.splitlines())] if traces else [line]


def variants_text(definition: AddonDefinition) -> str:
    """Return a table of variants, the default one marked; below it what variables each gives."""
    titles = list(dict.fromkeys(title for variant in definition.variants for title in variant.details))
    rows = [
        (
            variant.name + _default(variant.name == definition.default_variant),
            variant.description,
            *(variant.details.get(title, "-") for title in titles),
        )
        for variant in definition.variants
    ]
    listed = table(("VARIANT", "DESCRIPTION", *(title.upper() for title in titles)), rows)
    return "\n".join((listed, *(wrap(line) for line in (*_variables(definition), *_roles(definition)))))


def _roles(definition: AddonDefinition) -> list[str]:
    """Return a line for each role that an app can be attached with."""
    default = next(iter(definition.roles), "")
    return [f"--role {name}{_default(name == default)}: {text}" for name, text in definition.roles.items()]


def _variables(definition: AddonDefinition) -> list[str]:
    """Return a line for each set of variables; one for all when they are the same."""
    sets: dict[tuple[str, ...], list[str]] = {}
    for variant in definition.variants:
        sets.setdefault(definition.variables_of(variant.name), []).append(variant.name)
    return [f"{' and '.join(names)}: {', '.join(keys)}" for keys, names in sets.items() if keys]
