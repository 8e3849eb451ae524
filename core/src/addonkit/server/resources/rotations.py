"""Rotations: apps get new credentials, and the former ones end."""

from __future__ import annotations

from typing import Annotated, Final

import attrs

from addonkit.models.token import Role
from addonkit.server.endpoints import LONG, Call, Endpoints, Reply
from addonkit.server.resources.instances import find, owned
from addonkit.server.resources.operations import OperationResource, begin
from addonkit.server.schema import Number, Text

endpoint: Final = Endpoints()

_LONGEST: Final = 7 * 86_400
"""Seconds that former credentials may go on at most."""


@attrs.frozen
class RotateInstance:
    """A request for new credentials.

    Attributes:
        app: whose; empty stands for all apps that receive the variables.
        grace: seconds that sessions with the former ones have to end.
        force: end those that are left then. Otherwise former credentials are kept while they are used.
    """

    app: Annotated[str, Text(longest=300)] = ""
    grace: Annotated[int, Number(0, _LONGEST)] = 600
    force: bool = False


@endpoint("POST", "/v1/instances/{instance}/rotate", Role.OPERATOR, status=LONG)
async def rotate_instance(call: Call, instance: str, body: RotateInstance) -> OperationResource | Reply:
    """Give apps new credentials. Former ones are revoked when no session uses them any more."""
    if body.app:
        call.principal.require_app(body.app, call.attempted)
        await find(call, instance)
    else:
        await owned(call, instance)
    return await begin(call, "rotate", {"instance": instance, **attrs.asdict(body)})
