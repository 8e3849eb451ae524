"""All mutants of an addon, and which of them keep every promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from mutation.operators import Mutation, mutations
from mutation.subjects import Subject

_EQUIVALENT: Final = Path(__file__).with_name("equivalent.txt")
"""Lines `ADDON MODULE PLACE: CODE  # why`, PLACE where there is one: what no promise depends on."""


@attrs.frozen
class Mutant:
    """A mutation of an addon.

    Attributes:
        subject: the addon.
        module: the file that is changed.
        mutation: the change.
        number: how many of the same text come before it in the module.
    """

    subject: Subject
    module: Path
    mutation: Mutation
    number: int = 0

    @property
    def place(self) -> str:
        """Return where it is: addon, module, and function or constant if there is one."""
        return " ".join(filter(None, (self.subject.name, self.module.stem, self.mutation.place)))

    @property
    def key(self) -> str:
        """Return its name in the list of equivalent ones."""
        return f"{self.place}: {self.mutation.before}"

    @property
    def import_name(self) -> str:
        """The name by which its module is imported."""
        return self.subject.package.name + ("" if self.module.stem == "__init__" else f".{self.module.stem}")

    @property
    def name(self) -> str:
        """Return its name between runs, also when lines move."""
        return f"{self.subject.name} {self.module.name} {self.mutation.operator}: {self.mutation.before} #{self.number}"

    def __str__(self) -> str:
        place = f"{self.subject.name} {self.module.name}:{self.mutation.line}"
        return f"{place} {self.mutation.operator}: {self.mutation.before}"


def mutants_of(subject: Subject) -> list[Mutant]:
    """Return all mutants of an addon, in the order of their places."""
    _, config = subject.default()
    return [mutant for module in subject.modules() for mutant in _mutants_in(subject, module, config)]


def _mutants_in(subject: Subject, module: Path, config: Mapping[str, str]) -> Iterator[Mutant]:
    seen: Counter[tuple[str, str]] = Counter()
    found = mutations(module.read_text(encoding="utf-8"), config)
    for each in sorted(found, key=lambda mutation: (mutation.line, mutation.operator)):
        yield Mutant(subject, module, each, seen[each.operator, each.before])
        seen[each.operator, each.before] += 1


def equivalent() -> dict[str, str]:
    """Return the reasons why mutants keep every promise, by their keys."""
    lines = _EQUIVALENT.read_text(encoding="utf-8").splitlines()
    parts = (line.partition("  # ") for line in lines if line.strip() and not line.startswith("#"))
    return {key.strip(): why.strip() for key, _, why in parts}
