"""Not a policy: answers for every addon instead of wrapping it."""

from __future__ import annotations

from addonkit import hookimpl


@hookimpl
def addon_deprovision():
    raise AssertionError("asked")
