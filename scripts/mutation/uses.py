"""Finds where a package uses what a module defines when it is loaded: functions that depend on a constant."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from mutation.operators import statement_of

Place = tuple[str, int]


def uses_of(name: str, sources: Mapping[str, str]) -> frozenset[Place] | None:
    """Return the statements of functions that use a name, by module and line; those of constants made of it included.

    Args:
        name: that a module gives to a constant, function or class.
        sources: of all modules of the package, by the name by which they are imported.

    Returns:
        None when something else uses it too, as an entry point does: what depends on it is not known then.
    """
    trees = {module: ast.parse(source) for module, source in sources.items()}
    found: set[Place] = set()
    names, left = {name}, [name]
    while left:
        used = [each for module, tree in trees.items() for each in _uses(module, tree, left[-1])]
        left.pop()
        if not used:
            return None
        found |= {(module, line) for module, line, _ in used if line}
        for _, line, other in used:
            if not line and other not in names:
                names.add(other)
                left.append(other)
    return None if "" in names else frozenset(found)


def _uses(module: str, tree: ast.Module, name: str) -> Iterator[tuple[str, int, str]]:
    """Yield module and line of each use; line 0 and the name of what is defined by it, where that is in no function."""
    for each in tree.body:
        if isinstance(each, ast.Import | ast.ImportFrom) or _name_of(each) == name:
            continue
        for node in ast.walk(each):
            if name in {getattr(node, "id", None), getattr(node, "attr", None)}:
                line = statement_of(tree, getattr(node, "lineno", 0))
                yield module, line, "" if line else _name_of(each)


def _name_of(statement: ast.stmt) -> str:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", statement)
    return str(getattr(target, "id", getattr(target, "name", "")))
