"""Logs of servers."""

from __future__ import annotations

from typing import Annotated, Final

import attrs

from addonkit.models.token import Role
from addonkit.server.endpoints import Call, Endpoints
from addonkit.server.resources.instances import check_server, owned
from addonkit.server.schema import Number
from addonkit.util.text import printable

endpoint: Final = Endpoints()

LINES_MOST: Final = 1000
"""Lines of a log that one answer has at most."""


@attrs.frozen
class LogQuery:
    """A part of a log.

    Attributes:
        lines: how many, from its end.
    """

    lines: Annotated[int, Number(1, LINES_MOST)] = 100


@attrs.frozen
class LogResource:
    """The end of the log of a server.

    Attributes:
        lines: in the order they came; control characters are escaped.
    """

    lines: tuple[str, ...]


@endpoint("GET", "/v1/instances/{instance}/log", Role.OPERATOR)
async def get_log(call: Call, instance: str, query: LogQuery) -> LogResource:
    """Show what the server of an instance wrote last.

    Lines may hold statements of all apps on that server. A token needs the role operator, and must reach them all.
    """
    await owned(call, instance)
    await check_server(call, instance)
    found = await call.kit.log_lines(instance, lines=query.lines)
    return LogResource(tuple(printable(line.expandtabs()) for line in found))
