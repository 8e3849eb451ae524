"""Prose names things: no sentence hides its subject behind a word of this list."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = re.compile(
    r"\b(nobody|somebody|anybody|whoever|whomever|what is gone|go(?:es)? on with|gone on with|going on with|comes? by"
    r"|(?:is|are|was|were) told)\b",
    re.IGNORECASE,
)
READ = (".md", ".py", ".sh", ".sql", ".toml", ".yml", ".yaml", ".jinja", "Makefile")
NAMES_OF_THE_WORLD = re.compile(
    r"`nobody`|\"nobody\"|'nobody'|=nobody\b|user nobody\b|nobody:"
)  # a user of Unix systems
ELSEWHERE = {"CHANGELOG.md"}  # what was written in its time


def pages() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if name.endswith(READ) and name not in ELSEWHERE and not name.startswith("tests/")]


def hidden_subjects(text: str) -> list[str]:
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {line.strip()}" for number, line in lines if BANNED.search(NAMES_OF_THE_WORLD.sub("", line))]


@pytest.mark.parametrize("folder", sorted({name.split("/")[0] for name in pages()}))
def test_every_sentence_names_its_subject(folder: str) -> None:
    found = [
        f"{name}:{line}"
        for name in pages()
        if name.split("/")[0] == folder and (ROOT / name).is_file()
        for line in hidden_subjects((ROOT / name).read_text())
    ]

    assert not found, "\n".join(["name the subject: a process, a command, an addon, a user", *found])


@pytest.mark.parametrize("sentence", ["Whoever works on it", "what is gone is success", "it is told so"])
def test_a_sentence_that_hides_its_subject_is_found(sentence: str) -> None:
    assert hidden_subjects(sentence)


def test_the_user_nobody_is_a_name() -> None:
    assert not hidden_subjects("servers run as `nobody`")
