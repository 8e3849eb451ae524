"""Chooses what of an app's environment is written for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.bindings import well_known
from addonkit.models.views import MANUAL
from addonkit.util.env_documents import ServiceContent
from addonkit.util.env_formats import EnvironmentContent

if TYPE_CHECKING:
    from addonkit.models.views import BoundService, Environment


def content_for(environment: Environment) -> EnvironmentContent:
    """Return what formats write of an environment, in clear."""
    found = environment.services
    manual = {each.variable.key: each.variable.text for each in environment.entries if each.source == MANUAL}
    return EnvironmentContent(
        environment.app,
        environment.as_dict(),
        manual,
        environment.unset,
        None if found is None else tuple(map(_service, found)),
    )


def _service(service: BoundService) -> ServiceContent:
    values = {each.key: each.text for each in service.variables}
    return ServiceContent(service.name, service.alias, service.addon, service.variant, {**values, **well_known(values)})
