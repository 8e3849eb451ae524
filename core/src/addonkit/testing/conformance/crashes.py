"""Checks that nothing is lost or left when a step fails, or the whole process dies, at any point."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import attrs

from addonkit.errors import InstanceFailed
from addonkit.runtime import Kit
from addonkit.saga.faults import InjectedFault, at
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.conformance.running import synchronous
from addonkit.testing.conformance.subject import Subject, steps_of
from addonkit.testing.conformance.verdict import fail, require

CREATE: Final = "create"
DESTROY: Final = "destroy"
UNDO: Final = "undo"

RESIDENT: Final = "resident"
"""An app that lives on a shared server all the while; its data must not be touched."""


@attrs.frozen
class Death:
    """Where a process dies.

    Attributes:
        variant: of the instance.
        during: see the names above.
        fault: for ADDONKIT_FAULT.
        must_happen: False in sagas that a step only may start.
    """

    variant: str
    during: str
    fault: str
    must_happen: bool = True

    def __str__(self) -> str:
        return f"{self.variant}-{self.during}-{self.fault.replace('=kill', '').replace(',', '-')}"


def deaths(subject: Subject) -> list[Death]:
    """Before and after the effect of every step, and after that of every undo.

    Servers are made and removed in sagas of their own, which a shared server's second tenant does not come through:
    they are tried with the variants whose instances have servers to themselves.
    """
    return [death for variant in subject.variants for death in _deaths(subject, variant)]


def _deaths(subject: Subject, variant: str) -> list[Death]:
    nested = not subject.is_shared(variant)
    found = [
        Death(variant, during, f"{when}:{each.name}=kill", not inner)
        for during, sagas in ((CREATE, subject.creating(variant)), (DESTROY, subject.destroying(variant)))
        for each, inner in steps_of(*sagas, nested=nested)
        for when in ("before", "after")
    ]
    provision = subject.creating(variant)[0]
    last = provision.step_names[-1]
    undone = [
        Death(variant, UNDO, f"after:{last}=raise,undo:{each.name}=kill")
        for each, inner in steps_of(provision, nested=False)
        if each.undo_function is not None and not inner
    ]
    return [*found, *undone]


def failures(subject: Subject) -> list[tuple[str, str]]:
    """Variants, and the steps that are to fail in turn."""
    return [
        (variant, each.name)
        for variant in subject.variants
        for each, _inner in steps_of(subject.creating(variant)[0], nested=not subject.is_shared(variant))
    ]


class CrashChecks:
    """Each of these has a world of its own."""

    @synchronous
    async def test_a_step_that_fails_leaves_nothing(self, rig: Rig, failing: tuple[str, str]) -> None:
        """Whatever was made is undone; trying again succeeds."""
        variant, step = failing
        async with rig.kit() as kit:
            await _move_in(rig, kit, variant)
            for point in (f"before:{step}", f"after:{step}"):
                before = await _made(rig, kit)
                with at(point, _fail):
                    await _expect_failure(rig, kit, variant, point)
                require(
                    await _made(rig, kit) == before,
                    f"after a failure at {point} this is left or gone: {await _made(rig, kit) ^ before}",
                    f"give step {step} an undo that removes what it made, by names made from ids",
                )
            await kit.retry(rig.name("shop"))
            await _works(rig, kit, "a step had failed and it was tried again")
            await rig.destroy(kit, "shop")
            await _move_out(rig, kit, variant)

    @synchronous
    async def test_death_at_any_point_is_recovered_from(self, rig: Rig, death: Death) -> None:
        """The next command leads to an instance that is active with its data, or to nothing left."""
        async with rig.kit() as kit:
            await _move_in(rig, kit, death.variant)
            if death.during == DESTROY:
                await rig.write(await rig.create(kit, death.variant, "shop"), "kept")
        words = ("destroy", rig.name("shop"), "--yes") if death.during == DESTROY else _create(rig, death)
        died = rig.kill(*words, point=death.fault)
        require(died or not death.must_happen, f"the process came past {death.fault}", "name each step once")
        async with rig.kit() as kit:
            if death.during == DESTROY:
                await _destroy_again(rig, kit)
            else:
                await _go_on(rig, kit, death)
            await _move_out(rig, kit, death.variant)


async def _expect_failure(rig: Rig, kit: Kit, variant: str, point: str) -> None:
    """Create, or try again what failed already."""
    known = {view.instance.name for view in await kit.instances()}
    with suppress(InstanceFailed):
        if rig.name("shop") in known:
            await kit.retry(rig.name("shop"))
        else:
            await rig.create(kit, variant, "shop")
        fail(f"a failure at {point} did not make `create` fail", "let errors pass")


async def _go_on(rig: Rig, kit: Kit, death: Death) -> None:
    """Either way out of an interrupted create, by turns."""
    if death.during == UNDO:
        try:
            await kit.retry(rig.name("shop"))
        except InstanceFailed:
            await kit.retry(rig.name("shop"))
        await _works(rig, kit, f"it died at {death.fault} and was tried again")
    elif death.fault.startswith("after:"):
        await kit.retry(rig.name("shop"))
        await _works(rig, kit, f"it died at {death.fault} and was continued")
    await rig.destroy(kit, "shop")


async def _destroy_again(rig: Rig, kit: Kit) -> None:
    if rig.name("shop") in {view.instance.name for view in await kit.instances()}:
        await rig.destroy(kit, "shop")


async def _works(rig: Rig, kit: Kit, why: str) -> None:
    environ = await rig.environment(kit, "shop")
    await rig.write(environ, "works")
    await rig.expect(environ, "works", why)


async def _move_in(rig: Rig, kit: Kit, variant: str) -> None:
    if rig.subject.is_shared(variant):
        await rig.write(await rig.create(kit, variant, RESIDENT), "at home")


async def _move_out(rig: Rig, kit: Kit, variant: str) -> None:
    if rig.subject.is_shared(variant):
        await rig.expect(await rig.environment(kit, RESIDENT), "at home", "a neighbour came and went")
        await rig.destroy(kit, RESIDENT)
    await rig.expect_nothing(kit, "everything was destroyed")


async def _made(rig: Rig, kit: Kit) -> set[str]:
    """Everything there is: pools, disks, things on the service, tenants that a server knows."""
    disks = {f"disk {path.name}" for path in rig.home.glob("disks/*")}
    pools = {f"pool {name}" for name in await kit.backend.pools_here()}
    orphans = {f"{each.kind} {each.subject}" for each in await kit.doctor() if each.kind.startswith("orphan")}
    return disks | pools | orphans | set(rig.remains())


def _create(rig: Rig, death: Death) -> tuple[str, ...]:
    return ("create", rig.spec(death.variant), "-a", "shop")


def _fail() -> None:
    raise InjectedFault("asked for by the conformance kit")
