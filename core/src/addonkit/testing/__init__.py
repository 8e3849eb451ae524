"""Checks for addons, and fakes for tests; nothing else of the core imports it. Needs the extra `testing`.

What an addon author uses is named here; see docs/how-to/test-your-addon.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from addonkit.testing.conformance.client import ConformanceClient as ConformanceClient
    from addonkit.testing.conformance.suite import AddonConformance as AddonConformance
    from addonkit.testing.fixtures.cloner import Cloner as Cloner
    from addonkit.testing.fixtures.session import AddonFixture as AddonFixture
    from addonkit.testing.fixtures.values import FreshAddon as FreshAddon
    from addonkit.testing.saga_lock import check_saga_lock as check_saga_lock
    from addonkit.testing.saga_lock import sagas_in as sagas_in

_PLACES = {
    "AddonConformance": "addonkit.testing.conformance.suite",
    "AddonFixture": "addonkit.testing.fixtures.session",
    "Cloner": "addonkit.testing.fixtures.cloner",
    "ConformanceClient": "addonkit.testing.conformance.client",
    "FreshAddon": "addonkit.testing.fixtures.values",
    "check_saga_lock": "addonkit.testing.saga_lock",
    "sagas_in": "addonkit.testing.saga_lock",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'addonkit.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
