"""Names a disk by chance, so that a repeated step makes another one."""

from uuid import uuid4

import attrs

from addonkit import ConnectionInfo, Instance, ProviderFramework, ProvisionResult, Saga, Secret, ServerAddress, step
from mutants.depot import made, variables, with_steps, without


@attrs.frozen
class Extra:
    extra: str


CAUGHT_BY = "a_crash_at_any_point_is_recovered_from[small-create]"
SAYS = "this is left: disks/"


@step
async def create_extra_disk(framework: ProviderFramework, instance: Instance) -> Extra:
    """Create another disk."""
    name = f"{instance.id}-{uuid4().hex[:8]}"
    await framework.create_disk(name, 1)
    return Extra(name)


@create_extra_disk.undo
async def _(framework: ProviderFramework, extra: str = "") -> None:
    if extra:
        await framework.delete_disk_by_name(extra)


@step(undo=None)
async def delete_extra_disk(framework: ProviderFramework, instance: Instance) -> None:
    """Delete it."""
    await framework.delete_disk_by_name(str(instance.attributes.get("extra", "")))


@step(gives="result", undo=None)
async def build_result(
    server_id: str, address: ServerAddress, claim: str, password: Secret, extra: str
) -> ProvisionResult:
    """Put the variables together."""
    given = variables(ConnectionInfo(address.host, address.port, claim, password, shared=False))
    return ProvisionResult(given, {"server_id": server_id, "claim": claim, "extra": extra})


GOOD = made()
STEPS = (*GOOD.sagas.provision.steps[:-1], create_extra_disk, build_result)
ADDON = with_steps(
    GOOD,
    provision=Saga(GOOD.sagas.provision.name, steps=STEPS),
    deprovision=without(GOOD.sagas.deprovision, extra=(delete_extra_disk,)),
)
