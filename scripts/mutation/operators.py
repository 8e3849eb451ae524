"""Operators that break the source of an addon: each yields the whole source with one place changed. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

import attrs

_STATEMENT_OF_SQL: Final = re.compile(r"\b(GRANT|REVOKE|ALTER|DROP|SET|CREATE) ")
_RULE: Final = re.compile(r"^(?:\??[-+][\w@|:*-]+|resetkeys|resetchannels|nocommands)$")
"""An option of a command line, or a rule of an access list."""
_HOUSEKEEPING: Final = frozenset({"aclose", "cancel", "close", "exception", "print", "progress", "terminate", "wait"})
"""Calls that free memory or show what is done: an addon keeps every promise without them."""
_NUMBER: Final = re.compile(r"\d+")


@attrs.frozen
class Mutation:
    """One change.

    Attributes:
        operator: what kind of change.
        line: where, from 1.
        statement: first line of the statement of a function that it is in; 0 where the module runs it when loaded.
        place: name of the function, class or constant of the module that it is in; empty elsewhere.
        before: the code that is changed, shortened.
        source: the whole module, changed.
    """

    operator: str
    line: int
    statement: int
    place: str
    before: str
    source: str


Change = tuple[ast.AST, str]


def mutations(source: str, config: Mapping[str, str]) -> list[Mutation]:
    """Return all mutations of a module.

    Args:
        source: of the module.
        config: words of the config of the addon's default variant.
    """
    tree = ast.parse(source)
    found: list[Mutation] = []
    seen: set[tuple[str, str]] = set()
    for name, operator in OPERATORS.items():
        for node, text in operator(tree, source, config):
            if _is_of_container(tree, node):
                continue
            changed = _replaced(source, node, text)
            if changed != source and (name, changed) not in seen and _compiles(changed):
                seen.add((name, changed))  # what is in a function of a function is found in both
                before = " ".join((ast.get_source_segment(source, node) or "").split())
                line, place = getattr(node, "lineno", 0), _place_of(tree, node)
                found.append(Mutation(name, line, statement_of(tree, line), place, before[:90], changed))
    return found


def _place_of(tree: ast.Module, node: ast.AST) -> str:
    for each in tree.body:
        if each.lineno <= getattr(node, "lineno", 0) <= (each.end_lineno or 0):
            target = each.targets[0] if isinstance(each, ast.Assign) else getattr(each, "target", each)
            return str(getattr(target, "id", getattr(each, "name", "")))
    return ""


def statement_of(tree: ast.Module, line: int) -> int:
    """Return the first line of the innermost statement of a function around a line."""
    functions = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    inner = (each for function in functions for body in function.body for each in ast.walk(body))
    around = (each for each in inner if isinstance(each, ast.stmt) and each.lineno <= line <= (each.end_lineno or 0))
    return max((each.lineno for each in around), default=0)


def _is_of_container(tree: ast.Module, node: ast.AST) -> bool:
    """Return whether a place is used in containers alone, which the process backend does not run."""
    outer = (each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "container")
    return any(node in ast.walk(each) for each in outer)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _replaced(source: str, node: ast.AST, text: str) -> str:
    segment = ast.get_source_segment(source, node)
    if not segment:
        return source
    lines = source.encode().splitlines(keepends=True)
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    start = sum(len(each) for each in lines[: line - 1]) + column
    return (source.encode()[:start] + text.encode() + source.encode()[start + len(segment.encode()) :]).decode()


def _drop_statement(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Leave out a call that is made for its effect: a grant, a wait, an undo, the removal of a login."""
    del source, config
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for each in ast.walk(node):
                if isinstance(each, ast.Expr) and _has_effect(each.value):
                    yield each, "pass"


def _has_effect(value: ast.expr) -> bool:
    call = value.value if isinstance(value, ast.Await) else value
    if not isinstance(call, ast.Call):
        return isinstance(value, ast.Await)
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return name not in _HOUSEKEEPING


def _drop_step(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Leave a step out of a saga."""
    del config
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "steps" and isinstance(node.value, ast.Tuple | ast.List):
            yield from _without_each(node.value, source)


def _without_each(node: ast.Tuple | ast.List, source: str) -> Iterator[Change]:
    for left_out in node.elts:
        rest = [ast.get_source_segment(source, each) or "" for each in node.elts if each is not left_out]
        yield node, f"({', '.join(rest)},)"


def _drop_rule(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Leave out an option, or a rule of an access list that takes a right away."""
    del source, config
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List):
            for each in node.elts:
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and _RULE.match(each.value):
                    yield each, "*()"


def _drop_sql(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Put a statement that does nothing in the place of one that grants, revokes or ends something."""
    del config
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _STATEMENT_OF_SQL.match(node.value):
            segment = ast.get_source_segment(source, node) or ""
            if segment[:1] in {'"', "'"} and "\n" not in segment:
                yield node, repr("SELECT 1 -- " + node.value)


def _swap_variables(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Give a variable the value of the next one."""
    del config
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List):
            for one, other in pairwise(value for each in node.elts if (value := _variable_value(each)) is not None):
                yield one, ast.get_source_segment(source, other) or ""


def _variable_value(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Variable" and node.args[1:]:
        return node.args[1]
    return None


def _widen_pattern(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Let a pattern match what begins with anything."""
    del config
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = ast.get_source_segment(source, node) or ""
            wide = re.sub(r"\{[^{}]+\}(?=\*)", "", text)
            if wide != text:
                yield node, wide


def _ignore_config(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Put another word in the place of the one that the variant's config has."""
    del source
    for node in ast.walk(tree):
        key = _config_key(node)
        if key in config:
            other = _NUMBER.sub(lambda found: str(int(found[0]) // 2 + 1), config[key])
            if other != config[key]:
                yield node, repr(other)


def _config_key(node: ast.AST) -> str:
    """Return the word of a config that an expression reads; empty for all others."""
    if isinstance(node, ast.Subscript):
        place, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        place, key = node.func.value, node.args[0]
    else:
        return ""
    name = place.attr if isinstance(place, ast.Attribute) else getattr(place, "id", "")
    return str(key.value) if name == "config" and isinstance(key, ast.Constant) else ""


def _drop_keyword(tree: ast.AST, source: str, config: Mapping[str, str]) -> Iterator[Change]:
    """Leave out what makes a server wait, or stop well."""
    del source, config
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Program":
            for each in node.keywords:
                if each.arg in {"probe", "env", "prepare", "files", "pid_file", "socket", "stop_signal"}:
                    yield each, "**{}"


OPERATORS: Final[Mapping[str, Callable[[ast.AST, str, Mapping[str, str]], Iterator[Change]]]] = {
    "drop a statement": _drop_statement,
    "drop a step": _drop_step,
    "drop a rule": _drop_rule,
    "drop SQL": _drop_sql,
    "swap variables": _swap_variables,
    "widen a pattern": _widen_pattern,
    "ignore config": _ignore_config,
    "drop a part": _drop_keyword,
}
