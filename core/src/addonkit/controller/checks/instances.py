"""Checks instances and their associations: what failed, and what was interrupted and no process works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from addonkit.controller.retrying import has_failed
from addonkit.controller.variables import by_order
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.views import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases

UNFINISHED: Final = "unfinished"
FAILED: Final = "failed"
FORMER_LOGIN: Final = "former-login"
RETRIED: Final = frozenset({UNFINISHED, FAILED})
"""Kinds of findings whose fix lets an addon work on an instance again."""

_CONTINUE: Final = "continue"
_AGAIN: Final = "try again"


async def check_instances(store: Store, leases: Leases) -> list[Finding]:
    """Return a finding for each instance, and each tie of one, that failed or that no process completes."""
    ties: dict[str, list[Association]] = {}
    for each in await store.list(Association):
        ties.setdefault(each.value.instance, []).append(each.value)
    findings: list[Finding] = []
    for instance in sorted((each.value for each in await store.list(Instance)), key=lambda each: each.name):
        found = [*_of_instance(instance), *_of_ties(instance, sorted(ties.get(instance.id, ()), key=by_order))]
        if found and not await leases.is_held(f"instance/{instance.id}"):
            findings += found
    return findings


def _of_instance(instance: Instance) -> Iterator[Finding]:
    name, retry = instance.name, f"run `addonkit retry {instance.name}`"
    match instance.phase:
        case Phase.PENDING | Phase.PROVISIONING:
            yield _finding(UNFINISHED, instance, f"its creation was interrupted; {retry} to continue", _CONTINUE)
        case Phase.ERROR:
            ways = f"{retry} to try again, or `addonkit destroy {name}` to remove it"
            yield _finding(FAILED, instance, f"its creation failed: {instance.message}; {ways}", _AGAIN)
        case Phase.DEPROVISIONING if instance.message:
            problem = f"its removal failed: {instance.message}; run `addonkit destroy {name}` to try again"
            yield _finding(FAILED, instance, problem, _AGAIN)
        case Phase.DEPROVISIONING:
            problem = f"its removal was interrupted; run `addonkit destroy {name}` to continue"
            yield _finding(UNFINISHED, instance, problem, _CONTINUE)
        case Phase.ACTIVE:
            return


def _of_ties(instance: Instance, ties: Sequence[Association]) -> Iterator[Finding]:
    for tie in ties:
        if tie.phase is Phase.DEPROVISIONING:
            yield _leaving(instance, tie)
        elif instance.phase is not Phase.ACTIVE:
            continue  # the finding is about the instance
        elif has_failed(tie):
            retry = f"run `addonkit retry {instance.name}` to try again"
            yield _finding(FAILED, instance, f"giving it to app {tie.app} failed: {tie.message}; {retry}", _AGAIN)
        elif tie.rotation is not None:
            problem = (
                f"new credentials of app {tie.app} were interrupted; run `addonkit rotate {instance.name}` to continue"
            )
            yield _finding(UNFINISHED, instance, problem, _CONTINUE)
        elif tie.formers:
            yield _former(instance, tie)
        elif tie.phase is Phase.PENDING:
            problem = f"giving it to app {tie.app} was interrupted; run `addonkit retry {instance.name}` to continue"
            yield _finding(UNFINISHED, instance, problem, _CONTINUE)


def _former(instance: Instance, tie: Association) -> Finding:
    """Return former credentials; who uses them is asked when they are to be revoked."""
    failed = next((each.message for each in tie.formers if each.message), "")
    what = f"former credentials of app {tie.app} still work" + (f", revoking them failed: {failed}" if failed else "")
    return Finding(
        FORMER_LOGIN, instance.name, f"{what}; run `addonkit rotate {instance.name} --finish` to revoke them"
    )


def _leaving(instance: Instance, tie: Association) -> Finding:
    verb = "destroy" if instance.phase is Phase.DEPROVISIONING else "detach"
    app = "" if verb == "destroy" else f" -a {tie.app}"
    advice = f"the credentials of app {tie.app} may still work; run `addonkit {verb} {instance.name}{app}`"
    if tie.message:
        return _finding(FAILED, instance, f"revoking them failed: {tie.message}; {advice} to try again", _AGAIN)
    return _finding(UNFINISHED, instance, f"detaching it was interrupted; {advice} to continue", _CONTINUE)


def _finding(kind: str, instance: Instance, problem: str, fix: str) -> Finding:
    return Finding(kind, instance.name, problem, fix, key=instance.id)
