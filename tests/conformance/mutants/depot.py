"""A good addon with both kinds of variants, and the ways in which the broken ones are made from it."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import attrs

from addonkit import (
    AddonDefinition,
    AddonkitError,
    ConnectionInfo,
    File,
    OptionDefinition,
    OptionType,
    Probe,
    Program,
    ProgramSource,
    Saga,
    Secret,
    Server,
    ServerAccess,
    ServerAddon,
    Step,
    Tenant,
    Tenants,
    Variable,
    VariantDefinition,
    admin_password,
    hookimpl,
)
from addonkit.testing import ConformanceClient

SERVER = Path(__file__).with_name("depot_server.py").read_text()
SOURCE = ProgramSource(("python3",), directories=("/usr/bin", "/usr/local/bin"))
VARIABLES = ("DEPOT_URL", "DEPOT_HOST", "DEPOT_PORT", "DEPOT_USER", "DEPOT_NAME", "DEPOT_PASSWORD")

DETAILS = {"Sessions": "4 per app"}

DEFINITION = AddonDefinition(
    name="depot",
    display_name="Depot",
    description="Values under keys",
    default_variant="small",
    variants=(
        VariantDefinition("small", details=DETAILS, config={"storage": "1Gi", "sessions": "4"}),
        VariantDefinition("shared", details=DETAILS, config={"storage": "1Gi", "sessions": "4"}),
    ),
    default_version="3",
    program=SOURCE,
    variables=VARIABLES,
    options=(
        OptionDefinition("sessions", "Sessions of an app", OptionType.INTEGER, minimum="1", maximum="9", restart=True),
    ),
)


def program(server: Server, *options: str) -> Program:
    return Program(
        source=SOURCE,
        version=server.version,
        argv=(
            *("python3", "-B", "{run}/server.py", "{port}", "{disk}", "{run}/password"),
            *("--sessions", server.config["sessions"], *options),
        ),
        files=(
            File("{run}/server.py", SERVER),
            File("{run}/password", admin_password(server)),
        ),
        probe=Probe("depot", "GET /users/ HTTP/1.0\r\n\r\n", ("HTTP/1.1 401",)),
    )


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    return (
        Variable("DEPOT_URL", access.url("http", user=access.claim, path=access.claim)),
        Variable("DEPOT_HOST", access.host),
        Variable("DEPOT_PORT", str(access.port)),
        Variable("DEPOT_USER", access.claim),
        Variable("DEPOT_NAME", access.claim),
        Variable("DEPOT_PASSWORD", access.password),
    )


class Users(Tenants):
    """Users of the server."""

    longest_claim = 40
    reserved = frozenset({"admin", "users", "recent", "facts"})

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user."""
        await administer(access, "PUT", tenant.claim, password.reveal())

    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: object) -> None:
        """Remove the user."""
        await administer(access, "DELETE", tenant.claim)

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List users."""
        return tuple(json.loads(await administer(access, "GET", "")))

    async def drop_claim(self, access: ServerAccess, claim: str, progress: object) -> None:
        """Remove a user nobody owns."""
        await administer(access, "DELETE", claim)


async def administer(access: ServerAccess, method: str, name: str, body: str = "", *, gone: str = "fine") -> str:
    place = f"http://{access.host}:{access.port}/users/{quote(name, safe='')}"
    try:
        return await asyncio.to_thread(call, place, "admin", access.password.reveal(), method, body)
    except urllib.error.HTTPError as error:
        if error.code == 404 and gone == "fine":
            return ""
        raise AddonkitError("administering the depot", f"it answers {error.code}") from error
    except OSError as error:
        raise AddonkitError("administering the depot", str(error)) from error


def call(place: str, user: str, password: str, method: str = "GET", body: str = "", context=None) -> str:
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    request = urllib.request.Request(place, body.encode() or None, {"Authorization": f"Basic {login}"}, method=method)
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        return answer.read().decode()


class Client(ConformanceClient):
    """An app."""

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        call(*self._place(environ, key), "PUT", value)

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        try:
            return call(*self._place(environ, key))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def keys(self, environ: Mapping[str, str]) -> Collection[str]:
        return json.loads(call(*self._place(environ, "")))

    @contextmanager
    def session(self, environ: Mapping[str, str]) -> Iterator[Callable[[str], str]]:
        place, user, password = self._place(environ, "")
        url = urlsplit(place)
        login = {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
        with closing(http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)) as connection:

            def ask(key: str) -> str:
                if connection.sock is None and asked:
                    raise ConnectionError("the service ended the session")
                asked.append(key)
                connection.request("GET", url.path + key, headers=login)
                answer = connection.getresponse()
                body = answer.read().decode()
                if answer.status not in {200, 404}:
                    raise PermissionError(answer.status)
                return body

            asked: list[str] = []
            ask("")
            yield ask

    def listing(self, environ: Mapping[str, str]) -> Collection[str]:
        found: list[str] = []
        for what in ("users", "recent"):
            place, user, password = self._place(environ, "")
            url = urlsplit(place)
            with suppress(urllib.error.HTTPError):
                found += json.loads(call(f"http://{url.netloc}/{what}/", user, password))
        return found

    def facts(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        place, user, password = self._place(environ, "")
        facts: dict[str, str] = json.loads(call(f"http://{urlsplit(place).netloc}/facts/", user, password))
        return facts

    def rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        return {"read facts": True, "list users": False, "list recent": False}

    def attempt(self, environ: Mapping[str, str], action: str) -> None:
        place, user, password = self._place(environ, "")
        call(f"http://{urlsplit(place).netloc}/{action.split()[1]}/", user, password)

    def _place(self, environ: Mapping[str, str], key: str) -> tuple[str, str, str]:
        place = f"http://{environ['DEPOT_HOST']}:{environ['DEPOT_PORT']}/{environ['DEPOT_NAME']}/{key}"
        return place, environ["DEPOT_USER"], environ["DEPOT_PASSWORD"]


def made(**changes: object) -> ServerAddon:
    """The good addon with other parts."""
    parts = {"definition": DEFINITION, "port": 80, "program": program, "variables": variables, "tenants": Users()}
    return ServerAddon(**(parts | changes))


def renaming(adjust: Callable[..., object]) -> SimpleNamespace:
    """The good addon, and an answer of its own to `addon_adjust_env_vars`."""
    good = made()
    hooks = {name: getattr(good, name) for name in dir(good) if name.startswith("addon_") and getattr(good, name)}
    return SimpleNamespace(**hooks, addon_adjust_env_vars=hookimpl(adjust))


def with_steps(addon: ServerAddon, *, before: Step | None = None, provision=None, deprovision=None) -> ServerAddon:
    """The addon with other sagas, or with one more step before the last of provisioning."""
    if before is not None:
        *first, last = addon.sagas.provision.steps
        provision = Saga(addon.sagas.provision.name, steps=(*first, before, last))
    for name, saga in (("provision", provision), ("deprovision", deprovision)):
        if saga is not None:
            setattr(addon.sagas, name, saga)
    return addon


def without(saga: Saga, *names: str, extra: tuple[Step, ...] = ()) -> Saga:
    """The saga without some of its steps, and with others at its start."""
    return Saga(saga.name, inputs=saga.inputs, steps=(*extra, *(s for s in saga.steps if s.name not in names)))


def defined(**changes: object) -> AddonDefinition:
    return attrs.evolve(DEFINITION, **changes)


ADDON = made()
CAUGHT_BY = ""
