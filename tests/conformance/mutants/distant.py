"""A good addon of a service that runs elsewhere, with credentials for each app; the broken ones are made from it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import urllib.error
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from addonkit import (
    AddonDefinition,
    Association,
    BindResult,
    Instance,
    LocalityMode,
    NotConfigured,
    NothingDone,
    ProvisionResult,
    Saga,
    Secret,
    SettingDefinition,
    Step,
    TransientError,
    Usage,
    Variable,
    VariantDefinition,
    hookimpl,
    reveal,
    step,
)
from mutants import depot

DEFINITION = AddonDefinition(
    name="depot",
    display_name="Depot",
    description="Values under keys, elsewhere",
    default_variant="place",
    variants=(VariantDefinition("place"),),
    locality=LocalityMode.REMOTE,
    variables=depot.VARIABLES,
    settings=(SettingDefinition("endpoint", "where"), SettingDefinition("token", "of the administrator", secret=True)),
)


class Refused(NotConfigured, NothingDone):
    """The service says no to the only thing that was asked."""


class Unreachable(TransientError, NothingDone):
    """Nothing listens there."""


async def manage(settings: Mapping[str, Any], method: str, name: str, body: str = "", *, gone: str = "fine") -> str:
    place = f"{settings['endpoint']}/users/{quote(name, safe='')}"
    try:
        return await asyncio.to_thread(depot.call, place, "admin", reveal(settings["token"]), method, body)
    except urllib.error.HTTPError as error:
        if error.code == 404 and gone == "fine":
            return ""
        raise Refused(f"working on {name}", f"it answers {error.code}", "look at the token") from error
    except OSError as error:
        if isinstance(getattr(error, "reason", error), ConnectionRefusedError):
            raise Unreachable(f"working on {name}", str(error)) from error
        raise TransientError(f"working on {name}", str(error)) from error


def may_be_gone(settings: Mapping[str, Any], instance: Instance) -> str:
    """Whether what is not found is gone: not when it was made elsewhere."""
    return "fine" if instance.attributes.get("endpoint", settings["endpoint"]) == settings["endpoint"] else "bad"


@step
async def create_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Create the place."""
    await manage(settings, "PUT", instance.id, Secret.generate().reveal())


@create_place.undo
async def _(settings: Mapping[str, Any], instance: Instance) -> None:
    await manage(settings, "DELETE", instance.id)


@step(gives="result", undo=None)
async def tell_place(settings: Mapping[str, Any], instance: Instance) -> ProvisionResult:
    """Tell where it is."""
    return ProvisionResult(attributes={"place": instance.id, "endpoint": settings["endpoint"]})


@step(undo=None)
async def delete_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Delete the place."""
    await manage(settings, "DELETE", instance.id, gone=may_be_gone(settings, instance))


@step(gives="password", undo=None)
async def generate_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


@step(gives="login")
async def create_login(settings: Mapping[str, Any], association: Association, place: str, password: Secret) -> str:
    """Create a login."""
    login = f"{place}+{association.id}"
    await manage(settings, "PUT", login, password.reveal())
    return login


@create_login.undo
async def _(settings: Mapping[str, Any], association: Association, place: str) -> None:
    await manage(settings, "DELETE", f"{place}+{association.id}")


@step(gives="result", undo=None)
async def tell_login(settings: Mapping[str, Any], login: str, place: str, password: Secret) -> BindResult:
    """Put the variables together."""
    return BindResult(variables(settings, login, place, password), {"login": login})


def variables(settings: Mapping[str, Any], login: str, place: str, password: Secret) -> tuple[Variable, ...]:
    at = urlsplit(settings["endpoint"])
    who = f"{quote(login, safe='')}:{quote(password.reveal(), safe='')}"
    return (
        Variable("DEPOT_URL", Secret(f"http://{who}@{at.netloc}/{place}")),
        Variable("DEPOT_HOST", at.hostname or ""),
        Variable("DEPOT_PORT", str(at.port)),
        Variable("DEPOT_USER", login),
        Variable("DEPOT_NAME", place),
        Variable("DEPOT_PASSWORD", password),
    )


@step(undo=None)
async def delete_login(settings: Mapping[str, Any], instance: Instance, login: str) -> None:
    """Delete the login."""
    if login:
        await manage(settings, "DELETE", login, gone=may_be_gone(settings, instance))


@step(gives="result", undo=None)
async def count(settings: Mapping[str, Any]) -> Usage:
    """Count what there is."""
    return Usage(len(json.loads(await manage(settings, "GET", ""))), 0)


PROVISION = (create_place, tell_place)
BIND = (generate_password, create_login, tell_login)
UNBIND = (delete_login,)
DEPROVISION = (delete_place,)
MEASURE = (count,)


def made(
    *,
    provision: tuple[Step, ...] = PROVISION,
    bind: tuple[Step, ...] = BIND,
    unbind: tuple[Step, ...] = UNBIND,
    deprovision: tuple[Step, ...] = DEPROVISION,
    measure: tuple[Step, ...] = MEASURE,
) -> SimpleNamespace:
    """The good addon with other steps."""
    binding = Saga[BindResult]("depot.bind", inputs=("place",), steps=bind)
    unbinding = Saga[None]("depot.unbind", inputs=("login",), steps=unbind)

    def addon_bind(instance: Instance) -> Saga[BindResult]:
        return binding.bind(place=instance.attributes.get("place", ""))

    def addon_unbind(association: Association, instance: Instance) -> Saga[None]:
        found = association.attributes.get("login", "")
        return unbinding.bind(login=found or f"{instance.attributes.get('place', '')}+{association.id}")

    return SimpleNamespace(
        addon_definition=hookimpl(lambda: DEFINITION),
        addon_provision=hookimpl(lambda: Saga[ProvisionResult]("depot.provision", steps=provision)),
        addon_bind=hookimpl(addon_bind),
        addon_unbind=hookimpl(addon_unbind),
        addon_deprovision=hookimpl(lambda: Saga[None]("depot.deprovision", steps=deprovision)),
        addon_usage=hookimpl(lambda: Saga[Usage]("depot.measure", steps=measure)),
    )


class Client(depot.Client):
    """An app, and the service.

    Attributes:
        options: of the service, which make it a worse one.
    """

    options: ClassVar[tuple[str, ...]] = ()

    @contextmanager
    def service(self) -> Iterator[Mapping[str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            password = Path(folder) / "password"
            password.write_text("a-password-of-the-administrator-1234")
            command = [
                sys.executable,
                "-B",
                Path(depot.__file__).with_name("depot_server.py"),
                "0",
                folder,
                password,
                *self.options,
            ]
            pipe = subprocess.PIPE
            with subprocess.Popen(command, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
                assert process.stdout is not None
                port = process.stdout.readline().strip()
                yield {"endpoint": f"http://127.0.0.1:{port}", "token": password.read_text()}
                process.kill()

    def left_behind(self, settings: Mapping[str, str]) -> Collection[str]:
        return json.loads(depot.call(f"{settings['endpoint']}/users/", "admin", settings["token"]))


ADDON = made()
CLIENT = "mutants.distant:Client"
