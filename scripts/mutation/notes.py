"""Notes of which statements of an addon a run of tests executes, kept in a file between runs.

The sources at that time are kept beside them. When lines have moved since, notes move along, and a new line takes the
notes of the line before it. A whole run is not needed again for a change of one function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path

import attrs

from mutation.subjects import Subject


@attrs.frozen
class Notes:
    """The statements that one run of tests executed.

    Attributes:
        path: of the file that has a line `TEST<tab>MODULE<tab>LINE` for each statement that a test executed.
        tests: source of the tests, where they are a file: of another one the notes are none of these.
    """

    path: Path
    tests: str = ""

    @property
    def _about(self) -> Path:
        return self.path.with_suffix(".json")

    def fit(self, subject: Subject) -> bool:
        """Return whether the run came to its end, with the tests and the client (which checks use) of today."""
        if not self._about.exists():
            return False
        about = json.loads(self._about.read_text(encoding="utf-8"))
        return about.get("tests", "") == self.tests and _client(about["sources"]) == _client(subject.sources())

    def take(self, subject: Subject, run: Callable[[Mapping[str, str]], Mapping[str, float]]) -> None:
        """Run tests and keep what they execute.

        Args:
            subject: the addon.
            run: runs the tests in an environment; answers how many seconds each took, where that is known.
        """
        taking = self.path.with_suffix(".part")
        taking.unlink(missing_ok=True)
        sources = subject.sources()
        seconds = run({**subject.environ(), "REACH_PACKAGE": subject.package.name, "REACH_FILE": str(taking)})
        taking.touch()
        taking.rename(self.path)
        self._about.write_text(
            json.dumps({"sources": sources, "seconds": dict(seconds), "tests": self.tests}), encoding="utf-8"
        )

    def seconds(self) -> dict[str, float]:
        """Return how long each test took."""
        return dict(json.loads(self._about.read_text(encoding="utf-8"))["seconds"])

    def read(self, subject: Subject) -> Iterator[tuple[str, str, int]]:
        """Yield test, module and line in today's source."""
        then, now = json.loads(self._about.read_text(encoding="utf-8"))["sources"], subject.sources()
        moved = {module: moved_lines(then[module], now[module]) for module in then.keys() & now.keys()}
        for noted in self.path.read_text(encoding="utf-8").splitlines():
            test, module, number = noted.split("\t")
            for line in moved.get(module, {}).get(int(number), ()):
                yield test, module, line


def _client(sources: Mapping[str, str]) -> dict[str, str]:
    return {name: source for name, source in sources.items() if ".conformance" in name}


def moved_lines(old: str, new: str) -> dict[int, list[int]]:
    """Return for lines of an old text, from 1, where they are in a new one; followed there by lines that are new."""
    before, now = old.splitlines(), new.splitlines()
    found: dict[int, list[int]] = {}
    last = 0
    for kind, begin, end, new_begin, new_end in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if kind == "equal":
            found |= {begin + i + 1: [new_begin + i + 1] for i in range(end - begin)}
        elif last:
            found[last] = [*found[last], *range(new_begin + 1, new_end + 1)]
        last = end if kind == "equal" else last
    return found
