"""The parts of the fixtures, and the plugin where nobody uses it."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addonkit.testing import FreshAddon
from addonkit.testing.fixtures.locks import once
from addonkit.testing.fixtures.loop import LoopThread
from addonkit.testing.fixtures.prepare import name_of, run


def prepare(environ: Any) -> None: ...


def other(environ: Any) -> None: ...


def with_default(environ: Any, rows: int = 1) -> None: ...


async def coroutine(environ: Any) -> None: ...


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(environ: Any) -> Any:
        return function(environ)

    return wrapper


LAMBDAS = (lambda environ: None, lambda environ: None)

SAME = {"function": prepare, "another": other, "coroutine": coroutine}
OWN = {
    "lambda": LAMBDAS[0],
    "second lambda": LAMBDAS[1],
    "default": with_default,
    "closure": decorated(prepare),
    "partial": functools.partial(with_default, rows=2),
    "method": SAME.copy,
}


@pytest.mark.parametrize("function", SAME.values(), ids=SAME)
def test_a_function_that_depends_on_its_code_alone_has_one_name_everywhere(function: Any) -> None:
    assert name_of(function, "gw0") == name_of(function, "gw1")


@pytest.mark.parametrize("function", OWN.values(), ids=OWN)
def test_any_other_has_a_name_of_one_process(function: Any) -> None:
    assert name_of(function, "gw0") == name_of(function, "gw0")
    assert name_of(function, "gw0") != name_of(function, "gw1")


def test_no_two_have_one_name() -> None:
    functions = (*SAME.values(), *OWN.values())
    assert len({name_of(each, "gw0") for each in functions}) == len(functions)


def test_the_name_is_the_same_in_another_interpreter() -> None:
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location({__name__!r}, {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(module.name_of(module.prepare, 'gw7'))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == name_of(prepare, "gw0")


def test_a_given_addon_hides_its_values() -> None:
    given = FreshAddon({"CACHE_URL": "redis://:s3cret@host", "CACHE_HOST": "host"})

    assert "s3cret" not in repr(given) + str(given) + repr(given.environ) + f"{given.environ}"
    assert given.url == "redis://:s3cret@host"
    assert dict(given.environ) == {"CACHE_URL": given.url, "CACHE_HOST": "host"}
    assert FreshAddon({"HOST": "host"}).url == ""


def test_a_function_may_run_a_loop_wherever_it_is_called() -> None:
    seen = []

    def runs_a_loop(environ: Any) -> None:
        asyncio.run(asyncio.sleep(0))
        seen.append(threading.current_thread())

    async def calls() -> None:
        run(runs_a_loop, {}, loop)

    with LoopThread() as loop:
        run(runs_a_loop, {}, loop)
        asyncio.run(calls())
    assert seen[0] is threading.main_thread()
    assert seen[1] is not threading.main_thread()


def test_the_loops_thread_ends_what_was_interrupted() -> None:
    ended = []

    async def works() -> None:
        try:
            await asyncio.sleep(300)
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    with LoopThread() as loop:
        asyncio.run_coroutine_threadsafe(works(), loop._loop)
        loop.run(asyncio.sleep(0))
    assert ended == ["cleaned up"]


def test_what_is_made_once_is_made_again_after_a_failure(tmp_path: Path) -> None:
    made = []

    def fails() -> None:
        made.append("fails")
        raise ValueError

    mark = tmp_path / "marks" / "a"
    with pytest.raises(ValueError):
        once(mark, fails)
    for _ in range(2):
        once(mark, lambda: made.append("works"))
    assert made == ["fails", "works"]


LOOK = """
import json, sys

def test_nothing_is_imported():
    mine = [name for name in sys.modules if name.partition(".")[0] == "addonkit"]
    heavy = {"asyncio", "attrs", "attr", "aiohttp", "sqlite3", "cattrs"} & set(sys.modules)
    print("LOOK", json.dumps([sorted(mine), sorted(heavy)]))
"""

OTHERS = ("asyncio", "timeout", "hypothesispytest", "xdist", "platformdirs", "valkey", "schemathesis", "anyio")


def test_where_nobody_uses_it_nothing_is_imported_or_made(project) -> None:
    (project.directory / "conftest.py").unlink()
    (project.directory / "test_look.py").write_text(LOOK)
    others = [word for name in OTHERS for word in ("-p", f"no:{name}")]

    argv = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", *others]
    done = subprocess.run(argv, cwd=project.directory, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    mine, heavy = json.loads(done.stdout.partition("LOOK ")[2].splitlines()[0])
    assert mine == ["addonkit", "addonkit._version", "addonkit.testing", "addonkit.testing.pytest_plugin"]
    assert heavy == []


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ["xdist", "terminal", "monkeypatch", "asyncio", "timeout"])
def test_it_does_without_another_plugin(project, plugin: str) -> None:
    project.write("def test_connects(database): assert asyncio.run(query(database.url, 'SELECT 1')) == 1")

    ended = project.run("-p", f"no:{plugin}", "-W", "ignore::pytest.PytestConfigWarning")

    assert ended.status == 0, ended.output
    project.expect_nothing()


def test_others_do_without_it(project) -> None:
    (project.directory / "conftest.py").unlink()
    (project.directory / "test_other.py").write_text("def test_passes(): pass\n\ndef test_asks(addon): pass\n")

    ended = project.run("-p", "no:addonkit")

    assert "1 passed, 1 error" in ended.output
    assert "fixture 'addon' not found" in ended.output


def test_fixtures_are_explained(project) -> None:
    project.write("")

    ended = project.run("--fixtures")

    assert "Give the test an addon of its own" in ended.output
    assert not project.home.exists()
