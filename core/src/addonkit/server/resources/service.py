"""The service itself: what it is, how it is described, and whether it can do its work."""

from __future__ import annotations

from typing import Any, Final

import attrs

from addonkit._version import __version__
from addonkit.server.endpoints import Call, Endpoints, Page
from addonkit.server.paging import ListQuery, page

endpoint: Final = Endpoints()


@attrs.frozen
class ServiceResource:
    """This service.

    Attributes:
        version: of addonkit.
        instances: how many there are.
    """

    version: str
    instances: int


@attrs.frozen
class HealthResource:
    """A sign that the service answers and its state can be read.

    Attributes:
        status: `ok`.
    """

    status: str


@attrs.frozen
class FindingResource:
    """Something that is not as it should be.

    Attributes:
        kind: of the finding.
        subject: what it is about.
        problem: what is wrong, and what to do about it.
        fix: what `addonkit doctor --fix` would do; empty when only a person can.
    """

    kind: str
    subject: str
    problem: str
    fix: str


@endpoint("GET", "/v1")
async def get_service(call: Call) -> ServiceResource:
    """Show what answers."""
    return ServiceResource(__version__, await call.kit.count())


@endpoint("GET", "/v1/health", None)
async def get_health(call: Call) -> HealthResource:
    """Check that the service answers and its state can be read."""
    await call.kit.count()
    return HealthResource("ok")


@endpoint("GET", "/v1/findings")
async def list_findings(call: Call, query: ListQuery) -> Page[FindingResource]:
    """List what is not as it should be; see `addonkit doctor`. Needs a token that reaches all apps."""
    call.principal.require_all(call.attempted)
    found = [FindingResource(each.kind, each.subject, each.problem, each.fix) for each in await call.kit.doctor()]
    return page(found, lambda each: f"{each.kind} {each.subject} {each.problem}", query)


@endpoint("GET", "/v1/openapi.json", None)
async def get_description(call: Call) -> Any:  # noqa: ARG001 - the shape of every endpoint
    """Describe this API in OpenAPI 3.1."""
    from addonkit.server.openapi import describe

    return describe()
