"""Write the pages of docs/reference/ that follow from the code: hooks and errors.

Writes what is not up to date; with `--check` only tells, with status 1 when something is not.
The page about the command line has a writer of its own, `addonkit.cli.reference`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from addonkit import errors, hookspecs

REFERENCE: Final = Path(__file__).parent.parent / "docs" / "reference"

_HOOKS_HEAD: Final = """\
# Hooks

Written from the hookspecs by `scripts/write_reference.py`.

A hook is a plain function marked with `@hookimpl`, in the module that an entry point names. It takes those of the
arguments it wants, by name. Hooks are synchronous and do no I/O: those that act return a `Saga`, a
description of what would be done, and the engine does it. Everything in the examples is imported from `addonkit`.

| entry-point group | what is in it | loaded |
| --- | --- | --- |
| `addonkit.addons` | addons; the entry's name is the addon's name | when first asked for |
| `addonkit.plugins` | policies, which wrap an addon's hooks, and observers | always |
| `addonkit.backends` | what runs servers | when used |

An addon must answer `addon_definition`, `addon_provision` and `addon_deprovision`. Every other hook is a capability:
having the hook is having it.
"""

_ERRORS_HEAD: Final = """\
# Errors

Written from `addonkit.errors` by `scripts/write_reference.py`.

Every error that addonkit raises on purpose is an `AddonkitError`. It prints as one line, `attempted: found; advice`,
and has these parts, and `details` for programs, as attributes. With `--json` the command line prints the same parts
under `error`, with the class as `kind`. Anything else that comes out of addonkit is a bug.

| class | is a | meaning |
| --- | --- | --- |
"""

_ERRORS_TAIL: Final = """
`Retryable` is the mark by which the engine tells a fault that passes from one that stays: a step that raises it is
tried again. Any exception class may carry it.
"""


def hooks_page() -> str:
    """The page about hooks."""
    groups = (("What an addon answers", hookspecs.AddonSpecs), ("What an observer answers", hookspecs.ObserverSpecs))
    return "\n".join((_HOOKS_HEAD, *(line for title, specs in groups for line in _group(title, specs))))


def hook_names(specs: type) -> tuple[str, ...]:
    """Names of the hooks that a class of hookspecs declares, in its order."""
    return tuple(name for name in vars(specs) if name.startswith("addon_"))


def _group(title: str, specs: type) -> Iterator[str]:
    yield f"## {title}\n"
    for name in hook_names(specs):
        yield from _hook(name, vars(specs)[name])


def _hook(name: str, spec: Any) -> Iterator[str]:
    parameters = list(inspect.signature(spec).parameters.values())[1:]
    answer = inspect.signature(spec).return_annotation
    yield f"### {name}\n"
    takes = ", ".join(str(each).replace("'", "") for each in parameters)
    yield f"```text\n{name}({takes}) -> {answer}\n```\n"
    yield from _prose(inspect.getdoc(spec) or "")


def _prose(docstring: str) -> Iterator[str]:
    """Google-style sections as Markdown."""
    body, *sections = re.split(r"^(Args|Example|Returns):\n", docstring, flags=re.MULTILINE)
    yield body.strip() + "\n"
    for heading, text in zip(sections[::2], sections[1::2], strict=True):
        inner = inspect.cleandoc(text)
        if heading == "Args":
            yield "\n".join(f"- `{name}`: {what}" for name, what in _arguments(inner)) + "\n"
        elif heading == "Returns":
            yield f"Answers: {inner[:1].lower()}{inner[1:]}\n"
        else:
            yield inner.replace("```python", "```{code-block} python") + "\n"


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    for item in re.split(r"\n(?=\S)", text):
        name, _, what = item.partition(":")
        yield name, " ".join(what.split())


def errors_page() -> str:
    """The page about errors."""
    rows = (_row(found, parent) for found, parent in _tree(errors.AddonkitError, ""))
    return _ERRORS_HEAD + "\n".join(rows) + "\n" + _ERRORS_TAIL


def _tree(found: type[Exception], parent: str) -> Iterator[tuple[type, str]]:
    yield found, parent
    for child in found.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child, found.__name__)


def _row(found: type, parent: str) -> str:
    marks = ", Retryable" if issubclass(found, errors.Retryable) else ""
    meaning = " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split())
    return f"| `{found.__name__}` | {parent}{marks} | {meaning} |"


PAGES: Final = {"hooks.md": hooks_page, "errors.md": errors_page}


def main(arguments: list[str]) -> int:
    """Write or check the pages; the exit status."""
    stale = [name for name, page in PAGES.items() if not _is_current(REFERENCE / name, page())]
    for name in stale:
        if "--check" not in arguments:
            (REFERENCE / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/reference/{name} {'is out of date' if '--check' in arguments else 'is written'}")
    return int(bool(stale) and "--check" in arguments)


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
