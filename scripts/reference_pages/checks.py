"""The page about `addonkit.testing`, from the conformance kit itself: what it checks, and all that it may say."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final

from addonkit import testing
from addonkit.testing import AddonConformance
from addonkit.testing.conformance.rig import Rig
from reference_pages.api import docstring_of, entry
from reference_pages.prose import prose

_HEAD: Final = """\
# Tests of addons and apps

Written from `addonkit.testing` by `scripts/write_reference.py`.

What tests import, what the conformance kit checks, and everything that it may say. To run and
read the kit, see [test your addon](../how-to/test-your-addon.md). For the fixtures, see
[test your app](../how-to/test-your-app.md).
"""

_CASES: Final = {
    "variant": "each variant",
    "failing": "each step of its sagas, failing in turn",
    "crash": "before and after each step of `create` and `destroy`, and in each undo",
}

_MESSAGES: Final = """\
| it says | what to do |
| --- | --- |
"""

_TITLES: Final = {
    "Definition": "The definition",
    "LifeCycle": "The life of an instance",
    "Secrecy": "Secrets",
    "Neighbour": "Other apps",
    "Crash": "Failures and crashes",
}


def checks_page() -> str:
    """Return the page."""
    return "\n".join((_HEAD, *_names(), *(part for each in check_classes() for part in _class(each)), *_everywhere()))


def check_classes() -> tuple[type, ...]:
    """Return the classes that the kit's checks are written in."""
    return tuple(each for each in AddonConformance.__mro__[1:] if list(checks_of(each)))


def checks_of(owner: type) -> Iterator[str]:
    """Return names of the checks of a class."""
    return (name for name in vars(owner) if name.startswith("test_"))


def _names() -> Iterator[str]:
    yield "## What is imported\n"
    for name in sorted(testing._PLACES):  # noqa: SLF001 - the list of what is public
        value = getattr(testing, name)
        yield f"### {name}\n"
        yield from entry(name, value) if value is not AddonConformance else prose(docstring_of(name, value))


def _class(owner: type) -> Iterator[str]:
    title = owner.__name__.removesuffix("Checks")
    yield f"## {_TITLES.get(title, title)}\n"
    yield from prose(docstring_of(owner.__name__, owner))
    for name in checks_of(owner):
        yield f"### {name.removeprefix('test_').replace('_', ' ')}\n"
        yield from prose(docstring_of(name, getattr(owner, name)))
        cases = [words for each, words in _CASES.items() if each in inspect.signature(getattr(owner, name)).parameters]
        if cases:
            yield f"For {cases[0]}.\n"
        messages = _messages(owner, name)
        if messages:
            yield _MESSAGES + "\n".join(messages) + "\n"


def _everywhere() -> Iterator[str]:
    yield "## What any check may say\n"
    tree = _tree(Rig)
    messages = dict.fromkeys(row for each in ast.walk(tree) if (row := _row(each)))
    yield _MESSAGES + "\n".join(messages) + "\n"


def _messages(owner: type, name: str) -> list[str]:
    """Return what a check, and the functions of its module that it calls, may say, each once and in order."""
    tree = _tree(sys.modules[owner.__module__])
    functions = {each.name: each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    pending, seen = [name], set()
    rows: dict[str, None] = {}
    while pending:
        function = pending.pop(0)
        if function in seen or function not in functions:
            continue
        seen.add(function)
        for each in ast.walk(functions[function]):
            if row := _row(each):
                rows[row] = None
            if isinstance(each, ast.Name) and each.id.startswith("_"):
                pending.append(each.id)
    return list(rows)


def _row(node: ast.AST) -> str:
    """Return a row of the table for a call of `require` or `fail`; empty for anything else."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"require", "fail"}):
        return ""
    found, advice = (_text(each) for each in node.args[-2:])
    return f"| {found} | {advice} |"


def _text(node: ast.expr) -> str:
    """Return a text as it will be shown, with `...` for what is filled in."""
    if isinstance(node, ast.Constant):
        text = str(node.value)
    elif isinstance(node, ast.JoinedStr):
        text = "".join(str(each.value) if isinstance(each, ast.Constant) else "..." for each in node.values)
    else:
        text = "..."
    return " ".join(text.replace("|", "\\|").replace("<", "\\<").split())


def _tree(module: Any) -> ast.Module:
    return ast.parse(inspect.cleandoc(inspect.getsource(module)))
