"""Finds what is installed: reads the metadata of distributions and imports nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Final

import attrs

from addonkit._version import __version__
from addonkit.registry.metadata import Distribution, MetadataFault, canonical_name, distributions
from addonkit.registry.requirement import refusal_of
from addonkit.util.text import join_words, printable, short_name
from addonkit.util.values import frozen

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

UNREADABLE: Final = "*"
"""Name that stands for all entries of a distribution whose metadata cannot be read; no addon can have it."""

MOST_ENTRIES: Final = 100
"""Entry points of our groups that one distribution may have."""

_VALUE: Final = re.compile(r"\w+(\.\w+)*(:\w+(\.\w+)*)?")


class State(StrEnum):
    """The state of an entry point.

    `ok` until shown otherwise; `blocked` by configuration; `conflict` when several distributions claim its
    name; `incompatible` when its distribution asks for another core; `broken` after a failed load.
    """

    OK = "ok"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    INCOMPATIBLE = "incompatible"
    BROKEN = "broken"


@frozen
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
        """Return what it is, for people: `addon`, `backend` or `plugin`."""
        return _KINDS[self.group]

    @property
    def key(self) -> str:
        """The name that its plugin is registered under; addons and plugins do not share theirs."""
        return f"{_KINDS[self.group]}:{self.name}"

    @property
    def origin(self) -> str:
        """Return who ships it, for people: `acme-postgresql 1.2`."""
        return f"{self.distribution} {self.version}".strip() or "the program itself"


def blocked_names(text: str) -> frozenset[str]:
    """Return the names in a comma-separated list such as the value of `ADDONKIT_BLOCK`."""
    return frozenset(filter(None, map(str.strip, text.split(","))))


@attrs.frozen(eq=False)
class Claim:
    """An entry point as it is written; what its distribution says of itself is not read yet."""

    name: str
    group: str
    value: str
    distribution: Distribution
    fault: str = ""


class InstalledEntries:
    """Entry points of our groups, by group and name.

    Reads the entry points of every distribution when it is first asked. Reads the metadata of one only when an entry
    of it is asked for.

    Args:
        path: directories to look in; `sys.path` when None.
        blocked: names of entries or distributions that are not to be used.
        core: version of the core that addons must accept.
    """

    def __init__(
        self, path: Sequence[str] | None = None, blocked: Collection[str] = (), core: str = __version__
    ) -> None:
        self._path = path
        self._blocked = frozenset(blocked).union(map(canonical_name, blocked))
        self._core = core

    @cached_property
    def _claims(self) -> Mapping[str, Mapping[str, Sequence[Claim]]]:
        found: dict[str, dict[str, list[Claim]]] = {group: {} for group in GROUPS}
        for distribution in distributions(self._path):
            for claim in claims_of(distribution):
                found[claim.group].setdefault(claim.name, []).append(claim)
        return found

    def names(self, group: str) -> tuple[str, ...]:
        """Return names of the entries of a group, each once, sorted."""
        return tuple(sorted(self._claims[group]))

    def entries(self, group: str, name: str) -> tuple[Entry, ...]:
        """Return entries of one name, by distribution; several that could be used are in conflict."""
        claims = self._claims[group].get(name, ())
        found = tuple(sorted(map(self._entry, claims), key=attrgetter("distribution", "value")))
        # One that cannot be used anyway takes no part in a conflict, so blocking resolves it.
        rivals = [each for each in found if each.state is State.OK]
        if len(rivals) < 2 or name == UNREADABLE:  # noqa: PLR2004 - a conflict has two sides
            return found
        reason = f"{join_words(each.origin for each in rivals)} claim its name, so none is used"
        return tuple(
            attrs.evolve(each, state=State.CONFLICT, reason=reason) if each in rivals else each for each in found
        )

    def _entry(self, claim: Claim) -> Entry:
        """Return it with its distribution's name, version and state, whatever its rivals are."""
        distribution, value = claim.distribution, printable(claim.value)
        try:
            who = (distribution.name, distribution.version)
            refusal = refusal_of(distribution.headers.get("requires-dist", ()), self._core)
        except MetadataFault as error:
            who, state, reason = (distribution.key, ""), State.BROKEN, str(error)
        else:
            state = State.INCOMPATIBLE if refusal else State.OK
            state, reason = (State.BROKEN, claim.fault) if claim.fault else (state, refusal)
        if not self._blocked.isdisjoint((claim.name, distribution.key, canonical_name(who[0]))):
            state, reason = State.BLOCKED, "it is blocked by configuration"
        return Entry(claim.name, claim.group, *who, value, state, reason)


def discover(
    path: Sequence[str] | None = None, blocked: Collection[str] = (), core: str = __version__
) -> tuple[Entry, ...]:
    """Return every entry point of our groups, sorted by group, name and distribution; see InstalledEntries."""
    found = InstalledEntries(path, blocked, core)
    return tuple(each for group in GROUPS for name in found.names(group) for each in found.entries(group, name))


def claims_of(distribution: Distribution) -> tuple[Claim, ...]:
    """Return what a distribution claims; one claim named UNREADABLE when that cannot be told or is too much."""
    try:
        text = distribution.entry_points()
    except MetadataFault as error:
        return (Claim(UNREADABLE, ADDONS, "", distribution, str(error)),)
    if "addonkit." not in text:
        return ()
    claims = tuple(dict.fromkeys(_parse(text)))
    if len(claims) > MOST_ENTRIES:
        fault = f"it has {len(claims)} entry points of addonkit; {MOST_ENTRIES} is the most"
        return (Claim(UNREADABLE, ADDONS, "", distribution, fault),)
    found = []
    for group, name, value in claims:
        plain = value.partition("[")[0].strip()  # extras in brackets mean nothing any more
        is_path = _VALUE.fullmatch(plain) is not None
        fault = "" if is_path else f"its entry point {short_name(value)!r} is no package.module:attribute"
        found.append(Claim(short_name(name), group, value, distribution, fault))
    return tuple(found)


def _parse(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield group, name and value of entry points of our groups."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group in GROUPS and line and not line.startswith("#"):
            name, _equals, value = line.partition("=")
            yield group, name.strip(), value.strip()
