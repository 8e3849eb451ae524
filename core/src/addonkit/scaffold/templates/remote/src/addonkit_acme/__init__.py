"""Acme for addonkit: an account of an app's own, on a service that runs elsewhere."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from addonkit import (
    AddonDefinition,
    Instance,
    LocalityMode,
    ProvisionResult,
    Saga,
    Secret,
    SettingDefinition,
    Variable,
    VariantDefinition,
    hookimpl,
    sanitize_identifier,
    step,
)

from . import service

DEFINITION: Final = AddonDefinition(
    name="acme",
    display_name="Acme",
    description="Acme account",
    default_variant="account",
    variants=(VariantDefinition("account", "An account of its own"),),
    locality=LocalityMode.REMOTE,
    variables=("ACME_URL", "ACME_USERNAME", "ACME_PASSWORD"),
    settings=(
        SettingDefinition("endpoint", "URL of the service"),
        SettingDefinition("token", "what an administrator signs in with", secret=True),
    ),
)


def account_of(instance: Instance) -> str:
    """The account's name: of the app, and unique by the id of the instance, so that a repeat finds its own."""
    return f"{sanitize_identifier(instance.app, 40)}-{instance.id}"


@step(gives="password", undo=None)
async def generate_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


@step
async def create_account(instance: Instance, settings: Mapping[str, Any], password: Secret) -> None:
    """Create the account."""
    await service.create_account(settings, account_of(instance), password)


@create_account.undo
async def _(instance: Instance, settings: Mapping[str, Any]) -> None:
    await service.delete_account(settings, account_of(instance))


@step(gives="result", undo=None)
async def build_result(instance: Instance, settings: Mapping[str, Any], password: Secret) -> ProvisionResult:
    """Put the variables together."""
    name = account_of(instance)
    place = urlsplit(settings["endpoint"])
    login = f"{quote(name, safe='')}:{quote(password.reveal(), safe='')}"
    return ProvisionResult(
        (
            Variable("ACME_URL", Secret(f"{place.scheme}://{login}@{place.netloc}/data/{name}")),
            Variable("ACME_USERNAME", name),
            Variable("ACME_PASSWORD", password),
        ),
        # What `addonkit destroy --forget` names when the service is gone for good, and where to look for the account.
        {"account": name, "endpoint": settings["endpoint"]},
    )


@step(undo=None)
async def delete_account(instance: Instance, settings: Mapping[str, Any]) -> None:
    """Delete the account with its data."""
    await service.delete_account(settings, account_of(instance), instance.attributes.get("endpoint", ""))


PROVISION: Final = Saga[ProvisionResult]("acme.provision", steps=(generate_password, create_account, build_result))
DEPROVISION: Final = Saga[None]("acme.deprovision", steps=(delete_account,))


@hookimpl
def addon_definition() -> AddonDefinition:
    """What the addon is."""
    return DEFINITION


@hookimpl
def addon_provision() -> Saga[ProvisionResult]:
    """How an instance is made."""
    return PROVISION


@hookimpl
def addon_deprovision() -> Saga[None]:
    """How it is removed."""
    return DEPROVISION
