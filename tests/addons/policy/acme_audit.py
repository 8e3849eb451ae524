"""A policy: an audit step behind every provisioning, and no addon for apps that are named after evil."""

from __future__ import annotations

from addonkit import Conflict, hookimpl, step


@step(undo=None)
async def write_audit_record() -> None:
    """Write an audit record."""


@hookimpl(wrapper=True)
def addon_provision(app):
    if app.name == "evil":
        raise Conflict("cannot create an addon for evil", "the policy forbids it")
    saga = yield
    return saga.with_steps(after=[write_audit_record])
