"""Things of other kinds than values, which an app keeps: what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping

from addonkit.testing.conformance.assertions import fail_by, require
from addonkit.testing.conformance.rig import Rig, Unable

_ADVICE = "write things of every kind into the archive, load them all, and digest each in the fingerprint"


async def make_all(rig: Rig, environ: Mapping[str, str]) -> dict[str, str]:
    """Let an app keep one thing of each kind that its client knows; what it sees of them, by kind."""
    return {kind: await make(rig, environ, kind) for kind in await rig.ask("kinds", environ)}


async def make(rig: Rig, environ: Mapping[str, str], kind: str) -> str:
    """Let an app keep a thing of a kind, and look at it."""
    before = await _seen(rig, environ, kind)
    try:
        await rig.calls("make", environ, kind)
        found: str = await rig.calls("look", environ, kind)
    except Unable as error:
        fail_by(error, f"an app cannot keep a {kind}: {type(error).__name__}: {error}", "let its login make one")
    require(
        found != before, f"an app sees the same before and after it keeps a {kind}", "let ConformanceClient.look tell"
    )
    return found


async def change(rig: Rig, environ: Mapping[str, str], kind: str) -> bool:
    """Let an app change the thing of a kind; False when its client has no way to."""
    before = await _seen(rig, environ, kind)
    try:
        is_changed: bool = await rig.calls("change", environ, kind)
    except Unable as error:
        fail_by(error, f"an app cannot change a {kind}: {type(error).__name__}: {error}", "let its login change one")
    require(
        not is_changed or await _seen(rig, environ, kind) != before,
        f"an app sees the same before and after it changes a {kind}",
        "let ConformanceClient.look tell, or let `change` answer False",
    )
    return is_changed


async def _seen(rig: Rig, environ: Mapping[str, str], kind: str) -> str | None:
    """Return what an app sees of a thing that may not be there."""
    try:
        found: str = await rig.calls("look", environ, kind)
    except Unable:
        return None
    return found


async def expect_all(rig: Rig, environ: Mapping[str, str], kept: Mapping[str, str], why: str) -> None:
    """Check that an app sees all of them as they were."""
    for kind, text in kept.items():
        try:
            found: str = await rig.calls("look", environ, kind)
        except Unable as error:
            fail_by(error, f"an app finds no {kind} ({why}): {type(error).__name__}: {error}", _ADVICE)
        require(found == text, f"an app finds {found!r} in place of its {kind} {text!r} ({why})", _ADVICE)


async def expect_none(rig: Rig, environ: Mapping[str, str], kept: Mapping[str, str], why: str) -> None:
    """Check that an app sees nothing of them."""
    for kind, text in kept.items():
        found = await _seen(rig, environ, kind)
        require(found != text, f"an app finds the {kind} of another instance ({why})", "remove data of every kind")
