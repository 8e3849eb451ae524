"""A policy: apps that come and go share servers."""

from collections.abc import Generator

from addonkit import App, Conflict, ProvisionResult, Saga, Variant, hookimpl, is_shared_variant

PREFIXES = ("test-", "review-")


@hookimpl(wrapper=True)
def addon_provision(app: App, variant: Variant) -> Generator[None, Saga[ProvisionResult], Saga[ProvisionResult]]:
    """Refuse a server of its own to an app that comes and goes."""
    if app.name.startswith(PREFIXES) and not is_shared_variant(variant.name):
        raise Conflict(
            f"cannot create a {variant.name} for {app.name}",
            f"apps named {'..., '.join(PREFIXES)}... share servers here",
            "use the variant shared",
        )
    return (yield)
