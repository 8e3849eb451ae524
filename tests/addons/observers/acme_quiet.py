"""An observer that notes what happened."""

from __future__ import annotations

from addonkit import hookimpl

SEEN = []


@hookimpl
def addon_event(event):
    SEEN.append(event.message)
