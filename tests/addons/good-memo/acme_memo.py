"""The smallest good addon: a module with the three required hooks."""

from __future__ import annotations

from addonkit import (
    AddonDefinition,
    ProvisionResult,
    Saga,
    Variable,
    VariantDefinition,
    hookimpl,
    step,
)


@step(gives="result", undo=None)
async def make_url(instance) -> ProvisionResult:
    """Make the URL."""
    return ProvisionResult((Variable("MEMO_URL", f"memo://{instance.id}"),))


PROVISION: Saga[ProvisionResult] = Saga("memo.provision", steps=[make_url])
DEPROVISION: Saga[None] = Saga("memo.deprovision", steps=[])


@hookimpl
def addon_definition():
    return AddonDefinition(
        name="memo",
        display_name="Memo",
        description="Notes to oneself",
        default_variant="small",
        variants=(
            VariantDefinition("small", "One page", details={"Pages": "1"}, config={"storage": "1Gi", "pages": "1"}),
            VariantDefinition("large", "Many pages"),
        ),
        base_image="docker.io/acme/memo",
        default_version="17",
    )


@hookimpl
def addon_provision():
    return PROVISION


@hookimpl
def addon_deprovision():
    return DEPROVISION
