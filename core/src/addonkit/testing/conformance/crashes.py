"""Checks that nothing is lost or left when a step fails, or the whole process dies, at any point."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from addonkit.engine.failpoints import InjectedFault, at
from addonkit.errors import AddonkitError, InstanceFailed
from addonkit.kit.kit import Kit
from addonkit.testing.conformance.assertions import fail, fail_by, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.crash_points import BIND, DESTROY, UNDO, Crashes, CrashPoint, Failing
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.conformance.slow_starts import check_worth_waiting

RESIDENT: Final = "resident"
"""An app that lives on a shared server all the while; its data must not be touched."""

_REPEAT: Final = "let every step be safe to repeat, and take what is its own already for done"

_WRONG: Final = ("orphan", "blocked")
"""How kinds of findings begin that tell of an undo that did not do its work."""


class CrashChecks:
    """Each of these has a world of its own, in which one point comes after the other."""

    @synchronous
    async def test_a_step_that_fails_leaves_nothing(self, rig: Rig, failing: Failing) -> None:
        """Whatever was made is undone, trying again succeeds; what fails while destroying is destroyed by the next."""
        async with rig.kit() as kit:
            await _move_in(rig, kit, failing.variant)
            if failing.during == DESTROY:
                await _fail_to_destroy(rig, kit, failing)
            else:
                await _fail_to_create(rig, kit, failing)
                await rig.destroy(kit, "shop")
            await _move_out(rig, kit, failing.variant)

    @synchronous
    async def test_a_crash_at_any_point_is_recovered_from(self, rig: Rig, crash: Crashes) -> None:
        """The next command leads to an instance that is active with its data, or to nothing left."""
        check_worth_waiting(crash.variant)
        async with rig.kit() as kit:
            await _move_in(rig, kit, crash.variant)
            untouched = await _made(rig, kit)
            if crash.during == DESTROY:
                await rig.write(await rig.create(kit, crash.variant, "shop"), "kept")
        if crash.goes_on:
            await _die_again_and_again(rig, crash)
        else:
            await _die_and_be_destroyed(rig, crash, untouched)
        async with rig.kit() as kit:
            await _move_out(rig, kit, crash.variant)


async def _die_again_and_again(rig: Rig, crash: Crashes) -> None:
    """Let a process die at each point, and the next one take up its work; the last one completes it."""
    before = ""
    for point in crash.points:
        ended = rig.kill(*_command(rig, crash), point=point.fault)
        if ended:  # further points are those of another life
            async with rig.kit() as kit:
                await _complete(rig, kit, crash, before)
                _check_died(point, before, ended)
                if crash.during == DESTROY:
                    await rig.write(await rig.create(kit, crash.variant, "shop"), "kept")
        before = "" if ended else _words_of(point)
    async with rig.kit() as kit:
        await _complete(rig, kit, crash, before)


async def _die_and_be_destroyed(rig: Rig, crash: Crashes, untouched: set[str]) -> None:
    """Let a process die at each point, and the next one destroy what it made."""
    for point in crash.points:
        ended = rig.kill(*_command(rig, crash), point=point.fault)
        _check_died(point, "", ended)
        async with rig.kit() as kit:
            await _destroy_if_there(rig, kit)
            made = await _made(rig, kit)
        require(
            made == untouched,
            f"it died at {_words_of(point)} and was destroyed, and this is left or gone: "
            f"{', '.join(sorted(made ^ untouched))}",
            "let undos, and steps of deprovisioning, find what a step had made before it died, by names made from ids",
        )


async def _complete(rig: Rig, kit: Kit, crash: Crashes, point: str) -> None:
    """Take up the work once more, to its end."""
    try:
        if crash.during != DESTROY:
            await _go_on(rig, kit, crash, point)
        await _destroy_if_there(rig, kit)
    except AddonkitError as error:
        found = f"a process died at {point or 'no point'}, and what takes up its work fails: {error}"
        fail_by(error, found, _REPEAT)


def _check_died(point: CrashPoint, before: str, ended: str) -> None:
    """Check that a command died where it was to, unless it need not come there."""
    after = f", after one that died at {before}" if before else ""
    if "status 0:" in ended:
        advice = "name each step once: the command did not come to this one"
    else:
        advice = _REPEAT if before else "fix what the command says"
    require(
        not ended or not point.must_happen,
        f"the process did not die at {_words_of(point)}{after}; {ended}",
        advice,
    )


def _words_of(point: CrashPoint) -> str:
    return point.fault.replace("=kill", "").replace("=raise,", " ")


async def _fail_to_create(rig: Rig, kit: Kit, failing: Failing) -> None:
    untouched = await _untouched(rig, kit, failing)
    for step in failing.steps:
        for point in (f"before:{step}", f"after:{step}"):
            with at(point, _fail):
                await _expect_failure(rig, kit, failing.variant, point)
            made = await _made(rig, kit)
            require(
                made == untouched,
                f"after a failure at {point} this is left or gone: {', '.join(sorted(made ^ untouched))}",
                f"give step {step} an undo that removes what it made, by names made from ids",
            )
    await kit.retry(rig.name("shop"))
    await _works(rig, kit, "each step had failed and it was tried again")


async def _untouched(rig: Rig, kit: Kit, failing: Failing) -> set[str]:
    """Return what there is when nothing of the failing saga has happened; that of binding begins with an instance."""
    if failing.during == BIND:
        point = f"before:{failing.first}"
        with at(point, _fail):
            await _expect_failure(rig, kit, failing.variant, point)
    return await _made(rig, kit)


async def _fail_to_destroy(rig: Rig, kit: Kit, failing: Failing) -> None:
    """Fail at each step, before and after its effect, and at last nowhere; each attempt continues from the failure."""
    await rig.write(await rig.create(kit, failing.variant, "shop"), "kept")
    for step in failing.steps:
        for point in (f"before:{step}", f"after:{step}"):
            if not await _is_there(rig, kit):  # it did not come to this step
                await rig.write(await rig.create(kit, failing.variant, "shop"), "kept")
            with at(point, _fail), suppress(AddonkitError):
                await kit.destroy(rig.name("shop"))
    await _destroy_if_there(rig, kit)


async def _expect_failure(rig: Rig, kit: Kit, variant: str, point: str) -> None:
    """Create, or try again what failed already."""
    with suppress(InstanceFailed):
        if await _is_there(rig, kit):
            await kit.retry(rig.name("shop"))
        else:
            await rig.create(kit, variant, "shop")
        fail(f"a failure at {point} did not make `create` fail", "let errors pass")


async def _go_on(rig: Rig, kit: Kit, crash: Crashes, point: str) -> None:
    """Take up again what was interrupted."""
    attempts = 2 if crash.during == UNDO else 1
    for attempt in range(attempts):
        try:
            await kit.retry(rig.name("shop"))
        except InstanceFailed:
            if attempt == attempts - 1:
                raise
    await _works(rig, kit, f"it died at {point} and went on" if point else "it went on")


async def _is_there(rig: Rig, kit: Kit) -> bool:
    return rig.name("shop") in {view.instance.name for view in await kit.instances()}


async def _destroy_if_there(rig: Rig, kit: Kit) -> None:
    if await _is_there(rig, kit):
        await rig.destroy(kit, "shop")


async def _works(rig: Rig, kit: Kit, why: str) -> None:
    environ = await rig.environment(kit, "shop")
    await rig.write(environ, "works")
    await rig.expect(environ, "works", why)


async def _move_in(rig: Rig, kit: Kit, variant: str) -> None:
    if rig.under_test.is_shared(variant):
        await rig.write(await rig.create(kit, variant, RESIDENT), "at home")


async def _move_out(rig: Rig, kit: Kit, variant: str) -> None:
    if rig.under_test.is_shared(variant):
        await rig.expect(await rig.environment(kit, RESIDENT), "at home", "a neighbour came and went")
        await rig.destroy(kit, RESIDENT)
    await rig.expect_nothing(kit, "everything was destroyed")


async def _made(rig: Rig, kit: Kit) -> set[str]:
    """Return everything there is: pools, disks, things on the service, tenants that a server knows."""
    disks = {f"disk {path.name}" for path in rig.home.glob("disks/*")}
    pools = {f"pool {name}" for name in await kit.backend.pools_here()}
    wrong = {f"{each.kind} {each.subject}" for each in await kit.doctor() if each.kind.startswith(_WRONG)}
    return disks | pools | wrong | set(rig.remains())


def _command(rig: Rig, crash: Crashes) -> tuple[str, ...]:
    if crash.during == DESTROY:
        return ("destroy", rig.name("shop"), "--yes")
    return ("create", rig.spec(crash.variant), "-a", rig.app("shop"))


def _fail() -> None:
    raise InjectedFault("asked for by the conformance kit")
