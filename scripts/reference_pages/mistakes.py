"""The page about mistakes that the kit catches, from the broken addons that its own tests hold against it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

BROKEN: Final = Path(__file__).parent.parent.parent / "tests" / "conformance" / "mutants"

_HEAD: Final = """\
# Mistakes that the kit catches

Written from `tests/conformance/mutants` by `scripts/write_reference.py`.

Each line is a broken addon from the tests of the conformance kit: what it does, which check catches it
and a part of what that says. [Test your addon](../how-to/test-your-addon.md) says how a failure is read.

| the addon | the check | says |
| --- | --- | --- |
"""


def mistakes_page() -> str:
    """Return the page about mistakes."""
    rows = (_row(path) for path in sorted(BROKEN.glob("*.py")))
    return _HEAD + "\n".join(sorted(row for row in rows if row)) + "\n"


def _row(path: Path) -> str:
    """Return the line of a broken addon; empty for what others are made of."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    facts = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in {"CAUGHT_BY", "SAYS"}
    }
    if not facts.get("CAUGHT_BY"):
        return ""
    check = facts["CAUGHT_BY"].partition("[")[0].replace("_", " ")
    does = " ".join((ast.get_docstring(tree) or "").partition("\n\n")[0].split())
    return f"| {_plain(does)} | {check} | {_plain(facts['SAYS'])} |"


def _plain(text: str) -> str:
    return text.strip().replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")
