"""The composition root: opens and closes everything in order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from addonkit.controller.settings import SettingsService
from addonkit.controller.step_context import StepContext
from addonkit.kit.home import find_home, held_home, open_home
from addonkit.kit.home_owner import give_back
from addonkit.kit.kit import Kit
from addonkit.kit.services import BackupParts, CheckImage, Services
from addonkit.models.execution import Event
from addonkit.provider.framework import ProviderFramework
from addonkit.util.clock import Clock, SystemClock

if TYPE_CHECKING:
    from addonkit.archive.interface import Archive
    from addonkit.compute.interface import Backend
    from addonkit.images.checker import ImageChecker
    from addonkit.models.instance import Instance
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store

OnEvent = Callable[[Event], None]


@asynccontextmanager
async def open(
    home: str | os.PathLike[str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    registry: Registry | None = None,
    backend: Backend | None = None,
    image_checker: ImageChecker | None = None,
    clock: Clock | None = None,
    on_event: OnEvent | None = None,
    heal: bool = True,
) -> AsyncIterator[Kit]:
    """Open a home; close it again at the end of the block.

    Args:
        home: directory; default is ADDONKIT_HOME, else the user's data directory (root: /var/lib/addonkit).
        environ: environment to read settings from; default is the process's.
        registry: addons; default is what is installed.
        backend: what runs servers; default is the installed one that ADDONKIT_BACKEND names, else `process`, which
            runs them as processes of this machine.
        image_checker: who is asked whether an image exists, for backends that run images; default asks its registry.
        clock: time; default is the machine's.
        on_event: called with what happens, as it happens.
        heal: start servers that should run and do not, beside what the block does.

    Raises:
        StoreError: when the home cannot be used.
        SecretError: when its secrets are sealed with another key.
        NotFound: when there is no backend of that name.
    """
    environ = os.environ if environ is None else environ
    directory = find_home(home, environ)
    moved = open_home(directory, environ)
    clock = clock or SystemClock()
    registry = registry or _installed()
    with held_home(directory):
        backend = backend or make_backend(directory, environ, registry)
        store = await open_store(directory, environ, clock)
        try:
            check_image = image_checker.check_image if image_checker else partial(_check_image, environ)
            kit = Kit(_build_services(directory, environ, clock, registry, backend, store, check_image, on_event))
            if moved:
                await _relocate(kit, store, moved, str(directory.resolve()))
            if not heal:
                yield kit
                return
            from addonkit.kit.healing import healing

            async with healing(kit.heal):
                yield kit
        finally:
            await store.close()
            await backend.close()
            give_back(directory)


async def _relocate(kit: Kit, store: Store, former: str, directory: str) -> None:
    """Bring what the home says of paths up to date, after it was moved."""
    from addonkit.kit.relocation import Relocation, relocate

    await kit.stop_servers()
    await relocate(store, Relocation(former, directory))


def _build_services(
    directory: Path,
    environ: Mapping[str, str],
    clock: Clock,
    registry: Registry,
    backend: Backend,
    store: Store,
    check_image: CheckImage,
    on_event: OnEvent | None,
) -> Services:
    from addonkit.engine.engine import Engine
    from addonkit.store.leases import Leases
    from addonkit.store.owner import owner_alive, this_owner

    leases = Leases(store, clock, this_owner(), owner_alive)
    framework = ProviderFramework(store, backend, clock, directory)
    settings = SettingsService(store, registry, environ)
    sink = partial(_emit, registry, on_event)
    backups = cache(partial(_backup_parts, directory, environ, clock, registry, store))

    def archive_of(subject: Mapping[str, str], instance: Instance | None) -> Archive | None:
        return backups().archives.of(subject, instance) if "archive" in subject else None

    context = StepContext(store, framework, settings.read, archive_of)
    engine = Engine(store, leases, clock, context, sink)
    return Services(
        directory, clock, registry, backend, store, leases, framework, engine, settings, check_image, backups
    )


def _backup_parts(
    directory: Path, environ: Mapping[str, str], clock: Clock, registry: Registry, store: Store
) -> BackupParts:
    from addonkit.controller.backups.archives import Archives, repository_url
    from addonkit.controller.backups.keyring import Keyring
    from addonkit.controller.backups.repository_backups import RepositoryBackups

    keyring = Keyring(store, environ)
    repository = RepositoryBackups(repository_url(directory, environ))
    return BackupParts(keyring, Archives(keyring, registry, clock), repository, environ)


def _installed() -> Registry:
    from addonkit.registry.registry import Registry as Installed

    return Installed.discover()


def make_backend(home: Path, environ: Mapping[str, str], registry: Registry | None = None) -> Backend:
    """Make the backend that ADDONKIT_BACKEND names, else the one that runs processes of this machine."""
    name = environ.get("ADDONKIT_BACKEND", "")
    if name:
        made: Backend = (registry or _installed()).load_backend(name)(home, environ=environ)
        return made
    from addonkit.compute.process.backend import ProcessBackend

    return ProcessBackend(home, environ=environ)


async def _check_image(environ: Mapping[str, str], image: str) -> str:
    """See ImageChecker. What asks registries is imported here: only backends that run images need it."""
    from addonkit.images.settings import ConfiguredImageChecker

    return await ConfiguredImageChecker(environ).check_image(image)


async def open_store(home: Path, environ: Mapping[str, str], clock: Clock) -> Store:
    """Open the state of a home that is there.

    Raises:
        StoreError: it cannot be used.
        SecretError: its secrets are sealed with another key.
    """
    from addonkit.store.codec import Codec
    from addonkit.store.key_check import check_key
    from addonkit.store.keyfile import load_key
    from addonkit.store.sealing import Sealer
    from addonkit.store.sqlite import SqliteStore

    sealer = Sealer(load_key(home, environ))
    store = await SqliteStore.open(home / "state.db", Codec(sealer), clock)
    try:
        await check_key(store, sealer.key_id)
    except BaseException:
        await store.close()
        raise
    return store


def _emit(registry: Registry, on_event: OnEvent | None, event: Event) -> None:
    if on_event is not None:
        on_event(event)
    registry.emit(event)
