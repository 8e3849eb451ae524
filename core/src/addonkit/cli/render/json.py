"""Renders values as JSON for programs. Pure functions; they leave secrets out unless asked for them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.errors import AddonkitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from addonkit.kit.binding import Binding
    from addonkit.models.compute import FoundProgram
    from addonkit.models.definition import AddonDefinition, VariantDefinition
    from addonkit.models.execution import Event, Execution
    from addonkit.models.instance import Association, Instance, Server
    from addonkit.models.variable import Variable, VariableMove
    from addonkit.models.views import Environment, Finding, InstanceView, Plan
    from addonkit.models.vitals import Vitals
    from addonkit.registry.entry_points import AddonReport
    from addonkit.registry.grades import Graded

Json = dict[str, Any]


def variable_json(variable: Variable, *, reveal: bool = False) -> Json:
    """Return a variable; the value of a sensitive one is null until it is asked for."""
    hidden = variable.sensitive and not reveal
    return {"key": variable.key, "value": None if hidden else variable.text, "sensitive": variable.sensitive}


def move_json(move: VariableMove) -> Json:
    """Return a variable that has another name."""
    return {"set": move.label, "old": move.old, "new": move.new, "reason": move.reason}


def moves_json(moves: Iterable[VariableMove]) -> list[Json]:
    """Return variables that have other names."""
    return [move_json(move) for move in moves]


def instance_json(instance: Instance) -> Json:
    """Return an instance without its variables and the addon's own attributes, which may be secret."""
    return {
        "id": instance.id,
        "name": instance.name,
        "addon": instance.addon,
        "variant": instance.variant,
        "version": version_of(instance),
        "distribution": instance.distribution,
        "app": instance.app,
        "phase": str(instance.phase),
        "purpose": str(instance.purpose),
        "expires": time_json(instance.expires),
        "message": instance.message,
        "options": dict(instance.options),
        "refused_options": instance.change.problem if instance.change else "",
        "retry_at": time_json(instance.retry_at),
    }


def association_json(association: Association) -> Json:
    """Return the tie of an app to an instance, with the names of its variables."""
    return {
        "id": association.id,
        "app": association.app,
        "alias": association.alias,
        "phase": str(association.phase),
        "message": association.message,
        "role": association.role or None,
        "formers": len(association.formers),
        "variables": [variable.key for variable in association.variables],
    }


def _certificate_json(server: Server) -> Json:
    """Return the certificate of a server that listens for other machines."""
    certificate = server.certificate
    if certificate is None:
        return {}
    return {"certificate": {"expires": time_json(certificate.expires), "names": list(certificate.names)}}


def view_json(view: InstanceView, vitals: Vitals | None = None) -> Json:
    """Return an instance with all that belongs to it; with `vitals` what its server tells."""
    server = None
    if view.server is not None:
        address = view.address
        server = {
            "id": view.server.id,
            "shared": view.server.shared,
            "state": view.server_state,
            "newer": view.newer,
            "strangers": list(view.strangers),
            "host": address.host if address else None,
            "port": address.port if address else None,
            "tenants": view.tenants,
            **_certificate_json(view.server),
        }
    return {
        **instance_json(view.instance),
        "addon_state": view.addon_state,
        "storage": None
        if view.storage is None
        else {
            "used": view.storage.used,
            "limit": view.storage.limit,
            "percent": view.storage.percent,
            "denied": view.storage.denied,
            "measured": time_json(view.storage.measured),
        },
        "doing": view.doing,
        "troubles": list(view.troubles),
        "apps": [association_json(association) for association in view.associations],
        "server": server,
        **({} if vitals is None else _vitals_json(vitals)),
    }


def _vitals_json(vitals: Vitals) -> Json:
    usage = vitals.usage
    size = None if usage is None else {"objects": usage.objects, "bytes": usage.bytes, "complete": usage.complete}
    return {
        "usage": size,
        "sessions": vitals.sessions,
        "uptime": None if vitals.uptime is None else round(vitals.uptime),
        "last_backup": time_json(vitals.last_backup),
    }


def binding_json(binding: Binding) -> Json:
    """Return what creating or attaching gave."""
    return {
        "instance": instance_json(binding.instance),
        "association": association_json(binding.association),
        "variables": [variable_json(variable) for variable in binding.variables],
        "moves": moves_json(binding.moves),
        "new_app": binding.new_app,
        "joined": binding.joined,
        "existed": binding.existed,
        "host": binding.address.host if binding.address else None,
        "port": binding.address.port if binding.address else None,
    }


def environment_json(environment: Environment, *, reveal: bool = False) -> Json:
    """Return what an app receives."""
    return {
        "app": environment.app,
        "variables": [
            {**variable_json(entry.variable, reveal=reveal), "source": entry.source} for entry in environment.entries
        ],
        "pending": list(environment.pending),
        "failed": dict(environment.failed),
        "unset": list(environment.unset),
    }


def plan_json(plan: Plan) -> Json:
    """Return what an operation would do."""
    return {
        "summary": plan.summary,
        "steps": [attrs.asdict(step) for step in plan.steps],
        "appear": list(plan.appear),
        "move": moves_json(plan.move),
        "vanish": list(plan.vanish),
        "lost": list(plan.lost),
        "stays": list(plan.stays),
    }


def addon_json(
    report: AddonReport,
    definition: AddonDefinition | None,
    programs: Iterable[FoundProgram],
    graded: Graded | None = None,
) -> Json:
    """Return an installed addon, usable or not; `group` tells it from a backend or a plugin."""
    return {
        "name": report.name,
        "group": report.group,
        "distribution": report.distribution,
        "version": report.version,
        "state": str(report.state),
        "reason": report.reason,
        "trace": report.trace,
        "description": definition.description if definition else "",
        "variants": [variant.name for variant in definition.variants] if definition else [],
        "default_variant": definition.default_variant if definition else "",
        "programs": [attrs.asdict(program) for program in programs],
        "conformance": attrs.asdict(graded) if graded else None,
    }


def variant_json(definition: AddonDefinition, variant: VariantDefinition) -> Json:
    """Return a variant of an addon."""
    from addonkit.cli.render.options import offered_json

    return {
        "name": variant.name,
        "default": variant.name == definition.default_variant,
        "description": variant.description,
        "details": dict(variant.details),
        "variables": list(definition.variables_of(variant.name)),
        "options": offered_json(definition, variant.name),
        "schema": definition.options_of(variant.name).schema(),
    }


def execution_json(execution: Execution) -> Json:
    """Return an execution without its inputs and outputs, which may be secret."""
    return {
        "id": execution.id,
        "saga": execution.saga,
        "version": execution.version,
        "status": str(execution.status),
        "error": execution.error,
        "subject": dict(execution.subject),
        "created": time_json(execution.created),
        "finished": time_json(execution.finished),
        "steps": [
            {"name": s.name, "status": str(s.status), "error": s.error, "attempts": s.attempts} for s in execution.steps
        ],
        "events": [event_json(event) for event in execution.events],
    }


def event_json(event: Event) -> Json:
    """Return something that happened."""
    return {"at": time_json(event.at), "kind": str(event.kind), "step": event.step, "message": event.message}


def finding_json(finding: Finding) -> Json:
    """Return something that is not as it should be."""
    return attrs.asdict(finding)


def error_json(error: AddonkitError) -> Json:
    """Return an expected error, under the key `error`."""
    return {
        "error": {
            "kind": type(error).__name__,
            "message": str(error),
            "attempted": error.attempted,
            "found": error.found,
            "advice": error.advice,
            "details": {key: _plain(value) for key, value in error.details.items()},
        }
    }


def failure_json(kind: str, message: str) -> Json:
    """Return any other failure in the shape of an expected error."""
    return {"error": {"kind": kind, "message": message, "attempted": "", "found": message, "advice": "", "details": {}}}


def version_of(instance: Instance) -> str:
    """Return the version of its server; empty when there is none."""
    from addonkit.models.definition import CONFIG_VERSION

    return instance.config.get(CONFIG_VERSION, "")


def time_json(time: datetime | None) -> str | None:
    """Return a time in ISO 8601, with its zone."""
    return None if time is None else time.isoformat()


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
