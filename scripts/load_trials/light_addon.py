"""An addon whose instances are empty files: what is measured is the service, not a server."""

from __future__ import annotations

import os
from pathlib import Path

from addonkit import (
    AddonDefinition,
    Instance,
    ProvisionResult,
    Retry,
    Saga,
    Variable,
    VariantDefinition,
    hookimpl,
    step,
)

FOLDER = "LIGHT_FOLDER"
"""Name of the variable that holds where the files are."""


def _file(instance: Instance) -> Path:
    return Path(os.environ[FOLDER]) / instance.id


@step(gives="result", retry=Retry(attempts=1))
async def make(instance: Instance) -> ProvisionResult:
    """Make the file."""
    _file(instance).touch()
    return ProvisionResult((Variable("LIGHT_URL", f"light://{instance.id}"),))


@make.undo
async def _(instance: Instance) -> None:
    _file(instance).unlink(missing_ok=True)


@step(undo=None)
async def remove(instance: Instance) -> None:
    """Remove the file."""
    _file(instance).unlink(missing_ok=True)


PROVISION: Saga[ProvisionResult] = Saga("light.provision", steps=[make])
DEPROVISION: Saga[None] = Saga("light.deprovision", steps=[remove])


@hookimpl
def addon_definition() -> AddonDefinition:
    """See AddonSpecs."""
    one = (VariantDefinition("one", "One file"),)
    return AddonDefinition("light", "Light", "Empty files", "one", one, variables=("LIGHT_URL",))


@hookimpl
def addon_provision() -> Saga[ProvisionResult]:
    """See AddonSpecs."""
    return PROVISION


@hookimpl
def addon_deprovision() -> Saga[None]:
    """See AddonSpecs."""
    return DEPROVISION
