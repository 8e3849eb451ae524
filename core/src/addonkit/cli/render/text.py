"""Renders values as text for people. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from addonkit.cli.render.json import version_of
from addonkit.cli.render.table import block, table, width, wrap
from addonkit.cli.render.times import time_text
from addonkit.cli.streams import clean
from addonkit.controller.addons import how_to_install
from addonkit.models.instance import Phase, Purpose

if TYPE_CHECKING:
    from addonkit.kit.binding import Binding
    from addonkit.models.instance import Instance
    from addonkit.models.variable import VariableMove
    from addonkit.models.views import AppView, Environment, Finding, InstanceView
    from addonkit.models.vitals import Vitals

NO_INSTANCES = "no instances yet; run `addonkit create ADDON -a APP` to make one, or `addonkit addons` to choose"

NO_APPS = "no apps yet; the first `addonkit create ADDON -a APP` makes one"

_FEW = 2
"""Variables that are all named after a create."""


def binding_text(binding: Binding, *, waited: bool, verbose: bool = False) -> str:
    """Return what an app has after create or attach, and what to do next: two lines, more if a name is long or moved.

    Args:
        binding: what there is now.
        waited: whether the instance was waited for; if not, it may not be there yet.
        verbose: name all variables, and the way to use them as well as the way to connect.
    """
    instance, app = binding.instance, binding.association.app
    state = "exists already" if binding.existed else f"is {instance.phase}"
    where = f" at {binding.address}" if binding.address and waited else ""
    first = f"{instance.name} {state}{where} ({kind_of(instance)})"
    if not waited:
        new = f"; app {app} is new" if binding.new_app else ""
        return f"{first}{new}\nnext: `addonkit retry {instance.name}` carries it out"
    keys = [variable.key for variable in binding.variables]
    named = ", ".join(keys) if verbose and keys else keys_text(keys)
    receives = f"{'new app ' if binding.new_app else ''}{app} receives {named}"
    use = f"use: `addonkit run -a {app} -- COMMAND`"
    connect = f"connect: `addonkit shell {instance.name}`" if binding.has_shell else ""
    moved = [wrap(line) for line in moves_lines(binding.moves)]
    if verbose:
        return "\n".join((first, wrap(receives), *moved, f"{use}; {connect}" if connect else use))
    both = f"{receives}; {connect or use}"
    return "\n".join((first, *((both,) if len(both) <= width() else (receives, connect or use)), *moved))


def keys_text(keys: Sequence[str]) -> str:
    """Return names of variables in a few words: all, or the first one and how many more."""
    if len(keys) <= _FEW:
        return ", ".join(keys) or "no variables"
    return f"{keys[0]} and {len(keys) - 1} more"


def retried_text(view: InstanceView) -> str:
    """Return what became of an instance, and a line for each app that it is attached to."""
    instance = view.instance
    where = f" at {view.address}" if view.address else ""
    lines = [f"{instance.name} is {instance.phase}{where} ({kind_of(instance)})"]
    for tie in view.associations:
        keys = [variable.key for variable in tie.variables]
        lines.append(f"{tie.app} receives {keys_text(keys)}" if keys else f"{tie.app}: {tie.phase}")
    return "\n".join(lines)


def moves_lines(moves: Iterable[VariableMove]) -> list[str]:
    """Return a line for each set that moved the same way for the same reason."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        grouped.setdefault((move.label, move.reason), []).append(f"{move.old} is now {move.new}")
    return [f"{label}: {', '.join(names)} ({reason})" for (label, reason), names in grouped.items()]


def instances_text(views: Sequence[InstanceView], app: str | None = None, *, size: bool = False) -> str:
    """Return a table of instances, and why some of them do not work."""
    if not views:
        return (
            f"app {clean(app)} has no instances; run `addonkit create ADDON -a {clean(app)}`" if app else NO_INSTANCES
        )
    headers = ("NAME", "ADDON", "VERSION", "APPS", "STATE", "SERVER", *(("DISK",) if size else ()))
    notes = [note for view in views for note in _notes(view)]
    return "\n".join(
        (table(headers, [_instance_row(view, size=size) for view in views]), *(wrap(note) for note in notes))
    )


def apps_text(apps: Sequence[AppView]) -> str:
    """Return a table of apps."""
    if not apps:
        return NO_APPS
    rows = [(app.name, ", ".join(app.instances) or "-", str(app.variables)) for app in apps]
    return table(("APP", "INSTANCES", "VARIABLES SET"), rows)


def _instance_row(view: InstanceView, *, size: bool) -> tuple[str, ...]:
    instance = view.instance
    apps = ", ".join(dict.fromkeys(a.app for a in view.associations)) or "-"
    return (
        instance.name,
        f"{instance.addon}:{instance.variant}",
        version_of(instance) or "-",
        apps,
        str(instance.phase if instance.purpose is Purpose.SERVE else instance.purpose),
        view.server_state or "-",
        *((view.storage.words if view.storage else "-",) if size else ()),
    )


def _notes(view: InstanceView) -> list[str]:
    instance = view.instance
    found = [f"{instance.name}: {clean(instance.message)}"] if instance.message else []
    found += [f"{instance.name}: {note}" for note in _change_notes(instance)]
    found += [f"{instance.name}: {note}" for note in _storage_notes(view)]
    if view.addon_state != "ok":
        found.append(f"{instance.name}: {_addon_note(view)}")
    if view.newer:
        how = f"run `addonkit restart {instance.name}` to take version {view.newer}"
        found.append(f"{instance.name}: its server runs an older program than is installed; {how}")
    found += [f"{instance.name}: {clean(each)}; end that process" for each in view.strangers]
    if view.doing:
        found.append(f"{instance.name}: {clean(view.doing)}")
    found += [f"{instance.name}: {clean(each)}" for each in view.troubles]
    failed = [a for a in view.associations if a.phase is Phase.ERROR or (a.phase is Phase.DEPROVISIONING and a.message)]
    return [*found, *(f"{instance.name} in {a.app}: {clean(a.message)}" for a in failed)]


def _storage_notes(view: InstanceView) -> list[str]:
    use = view.storage
    if use is None or not use.is_low:
        return []
    grow = f"delete some, or run `addonkit set {view.instance.name} storage=...`"
    shared = "" if view.server is None or not view.server.shared else ", which it shares,"
    state = "apps can read and delete, and write no more; " if use.denied else ""
    return [f"its disk{shared} is nearly full ({use.words}); {state}{grow}"]


def _change_notes(instance: Instance) -> list[str]:
    change = instance.change
    if change is None:
        return []
    if change.problem:
        return [f"{', '.join(change.values)} could not be changed: {clean(change.problem)}"]
    return [f"{', '.join(change.values)} is being changed; run `addonkit retry {instance.name}` to complete it"]


def _addon_note(view: InstanceView) -> str:
    from addonkit.models.views import NOT_INSTALLED

    if view.addon_state == NOT_INSTALLED:
        return f"addon not installed; {clean(how_to_install(view.instance))}"
    return f"its addon {view.instance.addon} cannot be used: {clean(view.addon_state)}"


def instance_text(view: InstanceView, vitals: Vitals | None = None) -> str:
    """Return all about one instance."""
    instance = view.instance
    fields = {
        "name": instance.name,
        "addon": f"{instance.addon}:{instance.variant}",
        "version": version_of(instance),
        "state": str(instance.phase),
        "message": instance.message,
        "next retry": f"{instance.retry_at:%Y-%m-%d %H:%M:%S} UTC" if instance.retry_at else "",
        "operation": view.doing or "; ".join(_change_notes(instance)),
        "options": ", ".join(f"{name}={value}" for name, value in instance.options.items()),
        "addon state": "" if view.addon_state == "ok" else view.addon_state,
        "server": _server_text(view),
        "storage": view.storage.words if view.storage else "",
        "address": str(view.address) if view.address else "",
        "certificate": _certificate_text(view),
        **(_vitals(vitals) if vitals else {}),
        "backups": "; ".join(view.troubles),
        "id": instance.id,
    }
    attachments = (wrap(_attachment_line(view, number)) for number in range(len(view.associations)))
    return "\n".join((block(fields), *attachments))


def _certificate_text(view: InstanceView) -> str:
    certificate = view.server.certificate if view.server else None
    return certificate.words(datetime.now(UTC)) if certificate else ""


def _vitals(vitals: Vitals) -> dict[str, str]:
    from addonkit.controller.usage import usage_words
    from addonkit.models.sizes import describe_duration

    return {
        "size": usage_words(vitals.usage) if vitals.usage else "",
        "clients": "" if vitals.sessions is None else str(vitals.sessions),
        "uptime": "" if vitals.uptime is None else describe_duration(vitals.uptime),
        "backup": time_text(vitals.last_backup) if vitals.last_backup else "",
    }


def _server_text(view: InstanceView) -> str:
    if view.server is None:
        return ""
    shared = f", shared by {view.tenants}" if view.server.shared else ""
    return f"{view.server.id} ({view.server_state or 'unknown'}{shared})"


def _attachment_line(view: InstanceView, number: int) -> str:
    association = view.associations[number]
    name = f" as {association.alias}" if association.alias else ""
    keys = ", ".join(variable.key for variable in association.variables)
    state = keys or f"{association.phase}{': ' + clean(association.message) if association.message else ''}"
    role = f" ({association.role})" if association.role else ""
    former = "; its former credentials still work, see `addonkit rotate --finish`" if association.formers else ""
    return f"attached to {association.app}{name}{role}: {state}{former}"


def environment_text(environment: Environment, *, reveal: bool) -> str:
    """Return a table of variables, secrets hidden unless asked for."""
    from addonkit.models.secret import HIDDEN

    if not environment.entries:
        return f"app {environment.app} receives no variables"
    rows = [
        (e.variable.key, HIDDEN if e.variable.sensitive and not reveal else e.variable.text, e.source)
        for e in environment.entries
    ]
    return table(("VARIABLE", "VALUE", "SOURCE"), rows)


def findings_text(findings: Sequence[Finding]) -> str:
    """Return a line for each thing that is not as it should be, and what can be done."""
    lines = []
    for finding in findings:
        fix = f" (--fix: {finding.fix})" if finding.fix else ""
        lines.append(f"{finding.kind}: {clean(finding.subject)}: {clean(finding.problem)}{fix}")
    return "\n".join(lines)


def kind_of(instance: Instance) -> str:
    """Return addon, variant and version: `postgresql:small, version 16.4`."""
    version = version_of(instance)
    return f"{instance.addon}:{instance.variant}" + (f", version {version}" if version else "")
