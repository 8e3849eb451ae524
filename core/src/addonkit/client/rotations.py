"""Replaces credentials of apps at a home that another process serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

from addonkit.client.transport import Transport, part
from addonkit.controller.rotation import GRACE
from addonkit.errors import AddonkitError
from addonkit.kit.rotations import Rotated


class RemoteRotations:
    """Has the names of `Rotations`, as far as the API offers them."""

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport = transport
        self._url = url

    async def rotate(
        self,
        name: str,
        app: str | None = None,
        *,
        grace: timedelta = GRACE,
        force: bool = False,
        wait: bool = True,  # noqa: ARG002 - the service revokes later what is kept
        published: Callable[[Sequence[str]], None] | None = None,
    ) -> Rotated:
        """See `Rotations.rotate`."""
        full = (await self._transport.ask("GET", f"/v1/instances/{part(name)}", app=app or ""))["name"]
        body = {"app": app or "", "grace": int(grace.total_seconds()), "force": force}
        done = _rotated((await self._transport.carry_out("POST", f"/v1/instances/{part(full)}/rotate", body))["result"])
        if published is not None:
            published(done.apps)
        return done

    async def finish(self, name: str, *, force: bool = False) -> NoReturn:  # noqa: ARG002 - of `Rotations`
        """See `Rotations.finish`; the service does so by itself."""
        found = "the service revokes former credentials by itself, when no session uses them"
        advice = "run `addonkit rotate` with `--force` to end their sessions at once"
        raise AddonkitError(f"cannot revoke former credentials of {name} at {self._url}", found, advice)


def _rotated(data: Mapping[str, Any]) -> Rotated:
    """Return what a rotation came to; the service alone shows which former credentials still work."""
    renewed = data.get("renewed", False)
    return Rotated(data["instance"], tuple(data["apps"]), ended=data["ended"], renewed=renewed, left=data["kept"])
