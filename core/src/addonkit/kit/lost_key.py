"""Brings a home back whose key was lost: a new key, and new credentials for all that it runs."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.errors import AddonkitError, InvalidInput, NotFound, SecretError, StoreError
from addonkit.kit.home import held_home, open_home
from addonkit.models.instance import Instance, Phase
from addonkit.models.lost_secrets import LOST, LostSecrets
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.store.interface import Store, Transaction

COPY: Final = "state.before-lost-key.db"
"""Where the state is kept as it was: with the former key, should it be found, its secrets can be opened."""

_NEW: Final = "key.new"
_AT_ONCE: Final = timedelta(0)


@frozen
class Recovered:
    """The result of a recovery.

    Attributes:
        lost: what nothing brings back.
        instances: names of those that have new credentials now.
        problems: names of others, to why they have none.
    """

    lost: LostSecrets
    instances: tuple[str, ...]
    problems: Mapping[str, str]


def is_lost(home: Path, environ: Mapping[str, str]) -> bool:
    """Return whether the key of a home does not open its secrets.

    Raises:
        StoreError: the state cannot be read.
    """
    from addonkit.store.keyfile import load_key
    from addonkit.store.rekey import key_of
    from addonkit.store.sealing import Sealer

    sealed_with = key_of(home / "state.db")
    try:
        return bool(sealed_with) and Sealer(load_key(home, environ)).key_id != sealed_with
    except SecretError:
        return True


def replace_key(home: Path, environ: Mapping[str, str]) -> None:
    """Give a home a new key, that of ADDONKIT_KEY where it is set, and new secrets.

    A copy of the state stays as it was. Interrupted anywhere, the next call continues.

    Raises:
        Busy: another command uses the home.
        StoreError: the state cannot be used.
    """
    from addonkit.store.keyfile import KEY_VARIABLE, load_key
    from addonkit.store.rekey import copy_state, rekey
    from addonkit.store.sealing import Sealer
    from addonkit.util.clock import SystemClock
    from addonkit.util.files import create_private, sync_directory

    open_home(home, environ)
    state, new = home / "state.db", home / _NEW
    with held_home(home, alone=True):
        copy_state(state, home / COPY)
        if KEY_VARIABLE in environ:
            rekey(state, Sealer(load_key(home, environ)), SystemClock().now())
            return
        create_private(new, base64.b64encode(os.urandom(32)) + b"\n")
        rekey(state, Sealer(base64.b64decode(new.read_bytes())), SystemClock().now())
        with suppress(FileNotFoundError):
            (home / "key").replace(home / "key.former")
        new.replace(home / "key")
        sync_directory(home)


async def lost_secrets(store: Store) -> LostSecrets | None:
    """Return what was lost and is not made anew; None when nothing is."""
    found = await store.get(LostSecrets, LOST)
    return found.value if found else None


class Recovery:
    """Makes credentials anew, of one instance or of all."""

    def __init__(self, kit: Kit, store: Store) -> None:
        self._kit = kit
        self._store = store

    async def instance(self, name: str, app: str | None = None) -> None:
        """Let addonkit into the server of an instance anew, and give all apps of the instance new credentials at once.

        Raises:
            InvalidInput: its addon has no way to do one of both.
            Busy: it is not active.
            SagaFailed: the server refused it.
        """
        full = await self._kit.name_of(name, app)
        await self._kit.admin_passwords.reset(full)
        with suppress(NotFound):  # no app is attached to it
            await self._kit.rotations.rotate(full, grace=_AT_ONCE, force=True)

    async def home(self, report: Callable[[str], None]) -> Recovered:
        """Do that for all instances; what is done already is not done again.

        Args:
            report: called with the name of each instance when work on it begins.

        Raises:
            InvalidInput: no secrets are lost.
        """
        lost = await lost_secrets(self._store)
        if lost is None:
            found = "its key opens them all"
            advice = "run `addonkit rotate INSTANCE --lost` for a server that lets addonkit in no more"
            raise InvalidInput("cannot make lost secrets anew", found, advice)
        problems: dict[str, str] = {}
        done: list[str] = []
        for entity in await self._store.list(Instance):
            if entity.name not in lost.recovered:
                report(entity.value.name)
                problem = await self._recover(entity.value)
                if problem:
                    problems[entity.value.name] = problem
                    continue
            done.append(entity.value.name)
        if not problems:
            await self._store.transact(lambda tx: tx.delete(LostSecrets, LOST))
        return Recovered(lost, tuple(sorted(done)), problems)

    async def _recover(self, instance: Instance) -> str:
        """Make the credentials of an instance anew; return why that cannot be done."""
        if instance.phase is not Phase.ACTIVE:
            return f"it is {instance.phase}; run `addonkit retry {instance.name}` or `addonkit destroy {instance.name}`"
        try:
            await self.instance(instance.name)
        except StoreError:
            raise
        except AddonkitError as error:
            return str(error)
        await self._store.transact(lambda tx: _note(tx, instance.id))
        return ""


def _note(tx: Transaction, instance_id: str) -> None:
    entity = tx.get(LostSecrets, LOST)
    if entity is not None:
        tx.put(entity, attrs.evolve(entity.value, recovered=(*entity.value.recovered, instance_id)))
