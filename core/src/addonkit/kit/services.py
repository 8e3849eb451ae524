"""The parts that are open while a home is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from addonkit.controller.settings import SettingsService
from addonkit.provider.framework import ProviderFramework
from addonkit.util.clock import Clock
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.compute.interface import Backend
    from addonkit.controller.backups.archives import Archives
    from addonkit.controller.backups.keyring import Keyring
    from addonkit.controller.backups.repository_backups import RepositoryBackups
    from addonkit.engine.engine import Engine
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases


CheckImage = Callable[[str], Awaitable[str]]
"""Gives the digest of an image, or raises what its registry says against it; see ImageChecker."""


@frozen
class BackupParts:
    """The parts that make backups; put together when they are asked for first."""

    keyring: Keyring
    archives: Archives
    repository: RepositoryBackups
    environ: Mapping[str, str]


@frozen
class Services:
    """Everything that is open, in the order it was opened."""

    home: Path
    clock: Clock
    registry: Registry
    backend: Backend
    store: Store
    leases: Leases
    framework: ProviderFramework
    engine: Engine
    settings: SettingsService
    check_image: CheckImage
    backups: Callable[[], BackupParts]
