"""Imports what is not installed."""

from __future__ import annotations

from acme_driver_that_is_not_there import connect

__all__ = ["connect"]
