"""Prose is plain: a sentence names its subject and has at most twenty words, a command stands in backticks."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import click
import pytest

from addonkit.cli.group import SECTIONS, cli

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


@cache
def pages() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if name.endswith(READ) and name not in ELSEWHERE and not name.startswith("tests/")]


def hidden_subjects(text: str) -> list[str]:
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {line.strip()}" for number, line in lines if BANNED.search(NAMES_OF_THE_WORLD.sub("", line))]


def test_every_sentence_names_its_subject() -> None:
    found = [
        f"{name}:{line}"
        for name in pages()
        if (ROOT / name).is_file()
        for line in hidden_subjects((ROOT / name).read_text())
    ]

    assert not found, "\n".join(["name the subject: a process, a command, an addon, a user", *found])


@pytest.mark.parametrize("sentence", ["Whoever works on it", "what is gone is success", "it is told so"])
def test_a_sentence_that_hides_its_subject_is_found(sentence: str) -> None:
    assert hidden_subjects(sentence)


def test_the_user_nobody_is_a_name() -> None:
    assert not hidden_subjects("servers run as `nobody`")


MOST_WORDS = 20
MOST_LINKS = 2
"""A sentence with more of them is a list of pages."""
WRITTEN_FROM_CODE = {"docs/reference/addon-api.md", "docs/reference/cli.md"}
FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
END = re.compile(r"(?<=[.!?:;])[)\"*_]*\s+")


def paragraphs(text: str) -> Iterator[str]:
    """Paragraphs and items of a page, without headings, tables, comments and blocks."""
    text = FENCE.sub("\n\n", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
    for block in re.split(r"\n\s*\n", text):
        for part in re.split(r"\n(?=\s*(?:[-*]|\d+\.)\s)", block):
            if part.strip() and not part.lstrip().startswith(("#", "|", "<", "(")):
                yield ITEM.sub("", part)


def long_sentences(text: str) -> list[str]:
    found = []
    for paragraph in paragraphs(text):
        plain = re.sub(r"`[^`]*`", "CODE", re.sub(r"\s+", " ", paragraph.strip()))
        for sentence in END.split(plain):
            read, links = LINK.subn(r"\1", sentence)
            words = [word for word in read.split() if re.search(r"\w", word)]
            if len(words) > MOST_WORDS and links <= MOST_LINKS:
                found.append(f"{len(words)} words: {read}")
    return found


def test_sentences_of_pages_are_short() -> None:
    found = [
        f"{page}: {sentence}"
        for page in pages()
        if page.endswith(".md") and page not in WRITTEN_FROM_CODE and (ROOT / page).is_file()
        if "templates" not in page and not page.startswith("changes/")
        for sentence in long_sentences((ROOT / page).read_text())
    ]
    assert not found, "\n".join(found)


def helps(command: click.Command) -> Iterator[str]:
    yield command.help or ""
    yield from (getattr(param, "help", None) or "" for param in command.params)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from helps(each)


def test_sentences_of_help_are_short() -> None:
    commands = {name: cli.get_command(click.Context(cli), name) for names in SECTIONS.values() for name in names}
    assert None not in commands.values()
    found = [
        f"{name}: {sentence}"
        for name, command in commands.items()
        if command is not None
        for text in helps(command)
        for sentence in long_sentences(text)
    ]
    assert not found, "\n".join(found)


def bare_commands(source: str) -> list[str]:
    """Commands in the middle of a message, a name in braces included, that do not stand in backticks."""
    tree = ast.parse(source)
    bodies = (node.body[0] for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    docstrings = {id(first.value) for first in bodies if isinstance(first, ast.Expr)}
    texts = ((n.lineno, n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in docstrings)
    commands = "|".join(name for names in SECTIONS.values() for name in names)
    bare = re.compile(rf"(?<!APP=shop)(?<=[\w,;:]) addonkit (?:{commands})\b")
    return [f"{line}: {text}" for line, text in texts if isinstance(text, str) and bare.search(text)]


def test_a_command_in_a_message_stands_in_backticks() -> None:
    sources = [name for name in pages() if name.endswith(".py") and name.startswith(("core/src", "plugins"))]
    found = [
        f"{name}:{text}"
        for name in sources
        if "templates" not in name and (ROOT / name).is_file()
        for text in bare_commands((ROOT / name).read_text())
    ]
    assert not found, "\n".join(found)


DRAWN = re.compile(r"^\s+\S.*\s{3,}\S|[│├└]|^\s*python -m |^(?:\s*`[\w-]+`[,.])+$")
"""A line of a table, a tree, a usage or a list of words in a docstring."""
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_prose(docstring: str) -> str:
    """A docstring without tables, its items as paragraphs."""
    prose = "\n".join("" if DRAWN.search(line) else line for line in docstring.splitlines())
    return re.sub(r"\n(?= +[\w*]+: )", "\n\n", prose)


def long_docstring_sentences(source: str) -> list[str]:
    documented = [node for node in ast.walk(ast.parse(source)) if isinstance(node, DOCUMENTED)]
    prose = (docstring_prose(ast.get_docstring(node) or "") for node in documented)
    return [sentence for text in prose for sentence in long_sentences(text)]


@pytest.mark.parametrize("folder", ["benchmarks", "core/src", "examples", "plugins", "scripts"])
def test_sentences_of_docstrings_are_short(folder: str) -> None:
    sources = [name for name in pages() if name.endswith(".py") and name.startswith(folder)]
    found = [
        f"{name}: {sentence}"
        for name in sources
        if "templates" not in name and (ROOT / name).is_file()
        for sentence in long_docstring_sentences((ROOT / name).read_text())
    ]
    assert not found, "\n".join(found)


QUESTION = re.compile(r"(?:What|Whether|Who|Whose|How|That|When|Where|Which|Why|If)\b")
"""A first word that hides the subject."""
NOUN = re.compile(r"(?:The|A|An|One|All|Each|Every)\b")
"""A first word of a thing, where a function has to say what it does; ruff's D401 knows verbs."""


def beginnings(source: str) -> Iterator[str]:
    """First words of docstrings that neither name a thing nor begin with a verb."""
    for node in ast.walk(ast.parse(source)):
        docstring = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        if docstring is None or getattr(node, "name", "").startswith("test_"):
            continue
        if QUESTION.match(docstring) or (is_verb(node) and NOUN.match(docstring)):
            yield docstring.splitlines()[0]


def is_verb(node: ast.AST) -> bool:
    """A property is a thing, any other function does something."""
    properties = {"property", "cached_property", "functools.cached_property"}
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not properties & {
        ast.unparse(each) for each in node.decorator_list
    }


@pytest.mark.parametrize("folder", ["benchmarks", "core/src", "examples", "plugins", "scripts"])
def test_docstrings_begin_with_a_verb_or_a_thing(folder: str) -> None:
    sources = [name for name in pages() if name.endswith(".py") and name.startswith(folder)]
    found = [
        f"{name}: {first}"
        for name in sources
        if "templates" not in name and (ROOT / name).is_file()
        for first in beginnings((ROOT / name).read_text())
    ]
    assert not found, "\n".join(found)


def test_what_breaks_a_rule_is_found() -> None:
    assert list(beginnings('"""What it is."""'))
    assert list(beginnings('def f():\n    """The sum."""'))
    assert not list(beginnings('class C:\n    """The sum."""\n    @property\n    def p(self): """The part."""'))
    assert long_docstring_sentences(
        'def f():\n    """Do it.\n\n    Args:\n        a: ' + "one word " * 12 + '.\n    """'
    )
    assert long_sentences("It is short. " + "It is a long one " * 5)
    assert not long_sentences("It is short, " + "a [page](b.md) and [more](c.md) " * 5)
    assert not long_sentences("```\n" + "code " * 30 + "\n```")
    assert bare_commands('raise E("it failed", f"run addonkit retry {name}")')
    assert not bare_commands('raise E("it failed", f"run `addonkit retry {name}`")')


HEADING = re.compile(r"^(#+) ", re.MULTILINE)


def skipped_levels(text: str) -> bool:
    """Sphinx refuses a page whose headings leave out a level."""
    levels = [len(found) for found in HEADING.findall(FENCE.sub("", text))]
    return any(after > before + 1 for before, after in pairwise(levels))


def test_headings_leave_out_no_level() -> None:
    assert skipped_levels("# A\n### B\n")
    assert not skipped_levels("# A\n## B\n```text\n#### C\n```\n## D\n")
    assert not [name for name in pages() if name.endswith(".md") and skipped_levels((ROOT / name).read_text())]
