"""An observer that always fails."""

from __future__ import annotations

from addonkit import hookimpl


@hookimpl
def addon_event(event):
    raise RuntimeError(f"too much for me: {event.kind}")
