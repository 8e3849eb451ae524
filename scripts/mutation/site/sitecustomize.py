"""Puts the source of a mutant in the place of a module, or notes which statements run.

`MUTANT_MODULE` and `MUTANT_SOURCE` name the module and the file with its changed source. `REACH_PACKAGE` names a
package. `REACH_FILE` takes a line `CHECK<tab>MODULE<tab>LINE` for each statement of it that a check runs.
"""

from __future__ import annotations

import ast
import builtins
import os
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

_get_code = SourceFileLoader.get_code
_noted: set[tuple[str, str, int]] = set()


def _code(loader: SourceFileLoader, fullname: str) -> Any:
    if fullname == os.environ.get("MUTANT_MODULE"):
        source = Path(os.environ["MUTANT_SOURCE"]).read_text(encoding="utf-8")
        return compile(source, loader.path, "exec", dont_inherit=True)
    if fullname.partition(".")[0] == os.environ.get("REACH_PACKAGE"):
        tree = ast.parse(Path(loader.path).read_text(encoding="utf-8"))
        return compile(ast.fix_missing_locations(_Noting(fullname).visit(tree)), loader.path, "exec", dont_inherit=True)
    return _get_code(loader, fullname)


class _Noting(ast.NodeTransformer):
    """Puts a call of `_note` in front of each statement of each function."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._depth = 0

    def visit(self, node: ast.AST) -> Any:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        self._depth += is_function
        self.generic_visit(node)
        if self._depth:
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list):
                    setattr(node, name, [each for one in block for each in (*self._before(one), one)])
        self._depth -= is_function
        return node

    def _before(self, statement: ast.stmt) -> tuple[ast.stmt, ...]:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return ()  # a docstring, or nothing
        noting = ast.parse(f"__note__({self._module!r}, {statement.lineno})").body[0]
        for each in ast.walk(noting):
            ast.copy_location(each, statement)
        return (noting,)


def _note(module: str, line: int) -> None:
    noted = (os.environ.get("PYTEST_CURRENT_TEST", ""), module, line)
    if noted in _noted:
        return
    _noted.add(noted)
    file = os.open(os.environ["REACH_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(file, ("\t".join(map(str, noted)) + "\n").encode())
    finally:
        os.close(file)


SourceFileLoader.get_code = _code  # type: ignore[assignment, method-assign]
builtins.__note__ = _note  # type: ignore[attr-defined]
