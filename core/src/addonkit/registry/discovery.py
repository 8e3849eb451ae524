"""What is installed: reads the metadata of distributions and imports nothing."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import importlib_metadata
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from addonkit._version import __version__

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint, PackageMetadata

ADDONS: Final = "addonkit.addons"
"""Entry points whose name is an addon's; imported when that addon is used."""

BACKENDS: Final = "addonkit.backends"
"""Entry points that name a backend; imported when it is used."""

PLUGINS: Final = "addonkit.plugins"
"""Entry points of policies and observers; always imported."""

GROUPS: Final = (ADDONS, BACKENDS, PLUGINS)

BLOCK_VARIABLE: Final = "ADDONKIT_BLOCK"
"""Environment variable: comma-separated names of entries or distributions that are not used."""

_KINDS: Final = {ADDONS: "addon", BACKENDS: "backend", PLUGINS: "plugin"}

logger = logging.getLogger(__name__)


class State(StrEnum):
    """What became of an entry point.

    `ok` until shown otherwise; `blocked` by configuration; `conflict` when several distributions claim its
    name; `incompatible` when its distribution asks for another core; `broken` after a failed load.
    """

    OK = "ok"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    INCOMPATIBLE = "incompatible"
    BROKEN = "broken"


@attrs.frozen
class Entry:
    """One entry point.

    Attributes:
        name: of the entry; for an addon, the word the user types.
        group: one of GROUPS.
        distribution: who ships it; empty when the program itself registered it.
        version: of the distribution; empty without one.
        value: what to import, as `package.module:attribute`.
        state: see State.
        reason: why the state is not `ok`, one line.
    """

    name: str
    group: str
    distribution: str = ""
    version: str = ""
    value: str = ""
    state: State = State.OK
    reason: str = ""

    @property
    def kind(self) -> str:
        """What it is, for people: `addon`, `backend` or `plugin`."""
        return _KINDS[self.group]

    @property
    def origin(self) -> str:
        """Who ships it, for people: `acme-postgresql 1.2`."""
        return f"{self.distribution} {self.version}".strip() or "the program itself"


def blocked_names(text: str) -> frozenset[str]:
    """The names in a comma-separated list such as the value of `ADDONKIT_BLOCK`."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def discover(
    path: Sequence[str] | None = None, blocked: Collection[str] = (), core: str = __version__
) -> tuple[Entry, ...]:
    """Every entry point of our groups, sorted by group, name and distribution.

    Args:
        path: directories to look in; `sys.path` when None.
        blocked: names of entries or distributions that are not to be used.
        core: version of the core that addons must accept.
    """
    claims = sorted(_claims(path, core), key=_order)
    return tuple(sorted(_find_conflicts(_block(claims, blocked)), key=_order))


class _Distribution(Protocol):
    """What is read of an installed distribution."""

    @property
    def metadata(self) -> PackageMetadata: ...
    @property
    def requires(self) -> list[str] | None: ...
    @property
    def entry_points(self) -> Iterable[EntryPoint]: ...


def _order(entry: Entry) -> tuple[str, str, str, str]:
    return entry.group, entry.name, entry.distribution, entry.value


def _claims(path: Sequence[str] | None, core: str) -> set[Entry]:
    """What all distributions claim; of several copies of one on the path, only the first counts."""
    where = {} if path is None else {"path": list(path)}
    claims: set[Entry] = set()
    for each in importlib_metadata.distributions(**where):
        try:
            if _entries(each):
                name = each.name
                # A copy without our entries may stand before this one, and then hides it.
                first = next(iter(importlib_metadata.distributions(name=name, **where)), each)
                claims.update(_claims_of(first, core))
        except Exception as error:  # noqa: BLE001 - damaged metadata of one never hides another
            logger.warning("cannot read the metadata of %s: %s", each, one_line(error))
    return claims


def _entries(distribution: _Distribution) -> list[EntryPoint]:
    return [each for each in distribution.entry_points if each.group in GROUPS]


def _claims_of(distribution: _Distribution, core: str) -> list[Entry]:
    metadata = distribution.metadata  # parsed anew whenever it is asked for
    reason = _refusal(metadata.get_all("Requires-Dist") or distribution.requires or [], core)
    state = State.INCOMPATIBLE if reason else State.OK
    who = (metadata["Name"], metadata["Version"])
    return [Entry(each.name, each.group, *who, each.value, state, reason) for each in _entries(distribution)]


def _refusal(requires: Iterable[str], core: str) -> str:
    """Why a distribution does not accept this core; empty when it does."""
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) != "addonkit" or not _applies(requirement):
            continue
        if not requirement.specifier.contains(core, prereleases=True):
            return f"it needs addonkit {requirement.specifier}, this is {core}"
    return ""


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _block(claims: Iterable[Entry], blocked: Collection[str]) -> Iterator[Entry]:
    distributions = {canonicalize_name(name) for name in blocked}
    for each in claims:
        if each.name in blocked or canonicalize_name(each.distribution) in distributions:
            yield attrs.evolve(each, state=State.BLOCKED, reason="it is blocked by configuration")
        else:
            yield each


def _find_conflicts(claims: Iterable[Entry]) -> Iterator[Entry]:
    """Mark entries that share their name; blocked ones do not take part, so blocking settles a conflict."""
    rivals: dict[tuple[str, str], list[Entry]] = {}
    for each in claims:
        if each.state is State.BLOCKED:
            yield each
        else:
            rivals.setdefault((each.group, each.name), []).append(each)
    for group in rivals.values():
        if len(group) == 1:
            yield group[0]
            continue
        reason = f"{join_words(r.origin for r in group)} claim its name, so none is used"
        yield from (attrs.evolve(each, state=State.CONFLICT, reason=reason) for each in group)


def join_words(words: Iterable[str]) -> str:
    """Words for people: `a`, `a and b`, `a, b and c`."""
    *head, last = words
    return f"{', '.join(head)} and {last}" if head else last


def one_line(error: BaseException) -> str:
    """An exception as one line: its type and its message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
