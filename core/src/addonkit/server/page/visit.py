"""One request of a browser that is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from addonkit.errors import AddonkitError
from addonkit.models.token import Role
from addonkit.server.endpoints import Call, Endpoint
from addonkit.server.page.sessions import Session
from addonkit.server.reading import read


@attrs.frozen
class Visit:
    """One request.

    Attributes:
        call: the request as endpoints of the API take it.
        session: of the browser.
        form: what it sent; empty unless it changes something.
    """

    call: Call
    session: Session
    form: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def may_change(self) -> bool:
        """Return whether the role allows changes."""
        return self.call.principal.role.allows(Role.OPERATOR)

    async def ask(self, endpoint: Endpoint, **given: Any) -> Any:
        """Ask an endpoint of the API, as a client with this token would.

        Raises:
            Refused: the role is not enough.
            AddonkitError: as the endpoint does.
        """
        if endpoint.role is not None:
            self.call.principal.require(endpoint.role, self.call.attempted)
        return await endpoint.handler(self.call, **given)

    def read(self, kind: type[Any], *names: str) -> Any:
        """Return the body of an endpoint, made of fields of the form.

        Raises:
            InvalidInput: one does not fit.
        """
        return read(kind, {name: self.form.get(name, "").strip() for name in names}, self.call.attempted)


@attrs.frozen
class PageResponse:
    """A page.

    Attributes:
        template: name of its file.
        context: what it shows.
        error: why what was asked for was not done; None otherwise.
    """

    template: str
    context: Mapping[str, Any]
    error: AddonkitError | None = None


@attrs.frozen
class Redirect:
    """The page that follows a form.

    Attributes:
        path: where it is.
    """

    path: str
