"""Operations on a whole home: look at it, move it, make a copy a home of its own."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from addonkit.errors import AlreadyExists, Busy, InvalidInput, StoreUnavailable
from addonkit.kit.home import held_home, open_home
from addonkit.kit.home_owner import check_owner
from addonkit.kit.relocation import Relocation, relocate
from addonkit.models.compute import Pool
from addonkit.models.instance import Instance, Server
from addonkit.util.clock import SystemClock
from addonkit.util.files import make_directory, remove_tree
from addonkit.util.home_identity import Place, find_place, stamp
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.store.interface import Store


@frozen
class HomeView:
    """A view of a home.

    Attributes:
        path: of it, links resolved.
        id: random; empty for a home that was never opened.
        place: `new`, `same`, `moved` or `copy`; see home_identity.
        known_as: path that its file names; the original's for a copy.
    """

    path: str
    id: str
    place: str
    known_as: str


@frozen
class Adopted:
    """The result of adopting a copy.

    Attributes:
        id: of the home from now on.
        ports: server to its new ports.
        shared: instances whose data are no part of the home: the original has them as well.
    """

    id: str
    ports: Mapping[str, tuple[int, ...]]
    shared: tuple[str, ...]


def inspect_home(home: Path) -> HomeView:
    """Look at a home; changes nothing.

    Raises:
        StoreUnavailable: there is no such directory.
    """
    if not home.is_dir():
        raise StoreUnavailable(f"cannot look at home {home}", "there is no such directory", "set ADDONKIT_HOME")
    place, known = find_place(home)
    return HomeView(str(home.resolve()), known.id if known else "", place.value, known.path if known else "")


async def adopt(home: Path, environ: Mapping[str, str]) -> Adopted:
    """Make a copy of a home a home of its own: a new id, and new ports for its servers. Safe to repeat.

    Raises:
        InvalidInput: it is no copy.
        Busy: it is in use.
    """
    check_owner(home, environ)
    place, known = find_place(home)
    if place is not Place.COPY or known is None:
        raise InvalidInput(f"cannot adopt {home}", "it is no copy of another home", "use it as it is")
    with held_home(home, alone=True):
        _forget_processes(home)
        from addonkit.kit.bootstrap import make_backend, open_store

        store = await open_store(home, environ, SystemClock())
        backend = make_backend(home, environ)
        try:
            pools = await _place_anew(store, backend)
            hosts = frozenset(e.value.listen for e in await store.list(Server) if e.value.listen)
            changed = Relocation(known.path, _real(home), _port_changes(pools), hosts)
            await relocate(store, changed, {new.name: new for _, new in pools})
            shared = [e.value.name for e in await store.list(Instance) if not e.value.server]
        finally:
            await store.close()
            await backend.close()
        identity = stamp(home)
    return Adopted(identity.id, {new.name: tuple(new.ports.values()) for _, new in pools}, tuple(shared))


async def move(home: Path, target: Path, environ: Mapping[str, str]) -> Path:
    """Move a home: stop its servers, then move the directory. The next command starts them in the new place.

    Raises:
        AlreadyExists: the target exists.
        Busy: a server does not stop, or another command uses the home.
        StoreUnavailable: the target cannot be made.
    """
    attempted = f"cannot move {home} to {target}"
    target = _check_target(home, target, attempted)
    open_home(home, environ)
    await _stop_servers(home, environ, attempted)
    old = _real(home)
    with held_home(home, alone=True):
        _move_directory(Path(old), target, attempted)
    known = find_place(target)[1]
    stamp(target, known.id if known else "")
    await _rewrite_paths(target, environ, Relocation(old, _real(target)))
    return target


def _check_target(home: Path, target: Path, attempted: str) -> Path:
    target = target.expanduser().absolute()
    if target.exists() or target.is_symlink():
        raise AlreadyExists(attempted, f"{target} exists", "name a directory that does not exist")
    if home.resolve() in target.parents:
        raise InvalidInput(attempted, "the target is inside the home", "name a directory outside it")
    return target


async def _stop_servers(home: Path, environ: Mapping[str, str], attempted: str) -> None:
    from addonkit.kit.bootstrap import open

    async with open(home, environ=environ, heal=False) as kit:
        left = await kit.stop_servers()
    if left:
        raise Busy(attempted, next(iter(left.values())), "stop that server, then run the command again")


def _move_directory(home: Path, target: Path, attempted: str) -> None:
    mode = 0o755 if os.geteuid() == 0 else 0o700
    try:
        if not target.parent.exists():
            make_directory(target.parent, mode, parents=mode)
        try:
            home.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_directory(home, target, attempted)
    except OSError as error:
        raise StoreUnavailable(attempted, f"{error.strerror}: {error.filename}", "choose another target") from error


def _copy_directory(home: Path, target: Path, attempted: str) -> None:
    """Copy to another file system; the original is removed when the copy is complete and on disk."""
    said = subprocess.run(["cp", "-a", "--", home, target], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if said.returncode:
        remove_tree(target)
        raise StoreUnavailable(attempted, said.stderr.strip().splitlines()[-1], "nothing was moved")
    os.sync()
    left = remove_tree(home)
    if left:
        raise StoreUnavailable(attempted, f"the copy is complete, and the original cannot be removed ({left})")


async def _rewrite_paths(home: Path, environ: Mapping[str, str], relocation: Relocation) -> None:
    from addonkit.kit.bootstrap import open_store

    store = await open_store(home, environ, SystemClock())
    try:
        await relocate(store, relocation)
    finally:
        await store.close()


def _forget_processes(home: Path) -> None:
    """Remove the copies of run records and port reservations; the numbers stay the original's."""
    for record in home.glob("pools/*/record"):
        record.unlink()
    for reservation in home.glob("ports/[0-9]*"):
        reservation.write_text("original\n\n")


async def _place_anew(store: Store, backend: Backend) -> list[tuple[Pool, Pool]]:
    """Return every pool before and after it was given new ports."""
    found = [entity.value for entity in await store.list(Pool)]
    return [(pool, await backend.place(attrs.evolve(pool, host="", ports={}))) for pool in found if pool.ports]


def _port_changes(pools: list[tuple[Pool, Pool]]) -> dict[int, int]:
    return {number: new.ports[name] for old, new in pools for name, number in old.ports.items()}


def _real(path: Path) -> str:
    return str(path.resolve())
