"""Counts what one create calls of our own before its server's launcher starts: functions and files on the way.

    python benchmarks/calls_of_create.py [postgresql:small]

Counts with `sys.setprofile`, in a fresh home, what runs in all threads of the command. Comprehensions and generator
expressions do not count, on any version of Python: they are expressions. Lambdas and inner functions do.

`--list` names the functions.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections import Counter
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from unittest.mock import patch

from bench_process import begin

from addonkit.testing.home import kill_servers

_OURS = ("/addonkit/", "/addonkit_")
_EXPRESSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
_PATHS_APART = ("/store/", "/models/")
"""Folders that are counted apart: reading and writing values is on every way."""


def main() -> int:
    """Print the numbers."""
    begin()
    spec = next((word for word in sys.argv[1:] if not word.startswith("-")), "postgresql:small")
    seen: set[CodeType] = set()
    with tempfile.TemporaryDirectory(prefix="addonkit-calls-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        try:
            _create(spec, home, seen)
        finally:
            kill_servers(home)
    called = [code for code in seen if _is_ours(code)]
    ours = {(code.co_filename, code.co_qualname, code.co_firstlineno) for code in called}
    apart = {each for each in ours if not any(path in each[0] for path in _PATHS_APART)}
    closures = sum("<locals>" in name or "<lambda>" in name for _file, name, _line in ours)
    print(
        f"create {spec}: {len(ours)} functions in {len({file for file, *_ in ours})} files before the launcher starts"
    )
    print(f"without store and models: {len(apart)} in {len({file for file, *_ in apart})}; closures: {closures}")
    if "--list" in sys.argv:
        counted = Counter(file for file, *_ in ours)
        for file, number in counted.most_common():
            names = sorted(name for each, name, _line in ours if each == file)
            print(f"{number:4} {file.rpartition('/src/')[2]}: {', '.join(names)}")
    return 0


def _create(spec: str, home: Path, seen: set[CodeType]) -> None:
    from addonkit.cli.main import main as command

    over = threading.Event()

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and not over.is_set():
            seen.add(frame.f_code)

    start = subprocess.Popen.__init__

    def started(self: Any, argv: Any, *args: Any, **kwargs: Any) -> None:
        if any("launcher" in str(word) for word in (argv if isinstance(argv, list | tuple) else [argv])):
            over.set()
        start(self, argv, *args, **kwargs)

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        with patch.object(subprocess.Popen, "__init__", started):
            command(["--home", str(home), "create", spec, "-a", "shop"])
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
    if not over.is_set():
        raise SystemExit("no launcher was started")


def _is_ours(code: CodeType) -> bool:
    """Return whether it is a function of ours.

    The bodies of modules and classes run once, at import, and are no calls. Newer Pythons inline comprehensions.
    """
    is_function = bool(code.co_flags & CO_OPTIMIZED) and code.co_name not in _EXPRESSIONS
    return is_function and any(each in code.co_filename for each in _OURS)


if __name__ == "__main__":
    sys.exit(main())
