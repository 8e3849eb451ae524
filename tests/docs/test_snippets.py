"""Every command line and every snippet of the pages does what the page says.

A page's blocks run in order, in one empty home and one empty directory that has `examples` in it:

- `console`: lines that begin with `$ ` are run by a shell; what is shown below them is what they print. A line that
  is `...` stands for any number of lines, `...` in a line for any text; widths of columns do not count.
  Status 0, or 1 where an error or a failure is shown.
- `python`: run as a program.
- A port that the page listens on is another one here: two runs, or a service of this machine, may use the page's own.
- A block of any language whose first line is a path, as `# app.py` or `# addonkit-kv/pyproject.toml`, is written to
  that file instead.

A page that installs something has a virtual environment of its own for that.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path

import attrs
import pytest

from addonkit.testing import prefork
from addonkit.testing.serving import free_port
from addonkit.util.procfs import all_pids
from addonkit_s3_remote.local import local_service

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(p for p in ROOT.glob("docs/**/*.md") if "_build" not in p.parts))
LANGUAGES = {"console", "mermaid", "python", "text", "toml", "{code-block}", "{toctree}"}
FENCE = re.compile(r"^```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (?P<path>[\w./-]+\.(?:py|toml))\n")
PLAIN = re.compile(r"addonkit [^$`*?~|&;<>(){}\[\]#!\\]+")
"""A line that means the same without a shell."""
LISTEN = re.compile(r"--listen 127\.0\.0\.1:(\d+)")
LIMIT = 300
"""Seconds for a command: one that runs the conformance kit takes a minute on an idle machine."""


@attrs.frozen
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int

    @property
    def path(self) -> str:
        """Where it is written to; empty for one that is run or only read."""
        found = FILE.match(self.text) if self.language in {"python", "toml"} else None
        return found["path"] if found else ""


@attrs.frozen
class Command:
    """A command of a console block, and the lines that are shown below it."""

    text: str
    shown: tuple[str, ...]
    line: int

    @property
    def status(self) -> int:
        return int(any(line.startswith(("error: ", "FAILED ")) for line in self.shown))

    def prints(self, output: str) -> bool:
        pattern = "".join(r"(?:.*\n)*?" if line == "..." else _pattern(line) for line in self.shown)
        return re.fullmatch(pattern, "".join(f"{_even(line)}\n" for line in output.splitlines())) is not None


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _even(line).split("...")) + r"\n"


def _even(line: str) -> str:
    """How wide a column is depends on all that is in it, also on what a page does not show."""
    return re.sub(r"(?<=\S) {2,}", "  ", line.rstrip())


def blocks_of(text: str) -> tuple[Block, ...]:
    found = FENCE.finditer(text)
    return tuple(Block(f["language"], f["text"], text.count("\n", 0, f.start()) + 1) for f in found)


def with_free_ports(text: str) -> str:
    ports = {port: str(free_port()) for port in LISTEN.findall(text)}
    return re.sub(r"(?<=:)\d+\b", lambda found: ports.get(found[0], found[0]), text)


def commands_of(block: Block) -> Iterator[Command]:
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    assert starts[:1] == [0], f"line {block.line}: a console block begins with a command"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Command(lines[start][2:], tuple(lines[start + 1 : end]), block.line + 1 + start)


RUNNABLE = [page for page in PAGES if {"console", "python"} & {b.language for b in blocks_of(page.read_text())}]
SLOW = {
    *(
        "block-a-broken-addon.md",
        "publish-your-addon.md",
        "test-your-addon.md",
        "test-your-app.md",
        "write-a-policy.md",
    ),
    *("find-what-went-wrong.md", "name-a-second-database.md", "use-in-ci.md", "use-s3.md", "use-valkey.md"),
    *("pick-a-version.md", "share-a-server.md", "stop-and-restart-servers.md", "use-from-python.md"),
    *("use-the-command-line.md", "write-an-addon.md", "let-apps-share-your-server.md", "back-up.md"),
    *("change-or-upgrade.md", "use-git-branches.md", "use-extensions.md", "undo-a-destroy.md"),
    *("describe-apps-in-a-file.md", "replace-credentials.md", "use-with-compose-and-score.md", "use-the-page.md"),
    *("choose-options.md", "keep-env-files-current.md", "reach-a-server-from-other-machines.md"),
}
"""Pages that build packages, start many servers, or run the whole conformance kit."""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def environment(home: Path, page: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a reader's shell has: the command on PATH, a home of its own, and what the page says to export."""
    exported: AbstractContextManager[Mapping[str, str]] = (
        local_service() if page.name == "use-s3.md" else nullcontext({})
    )
    programs = _virtual_environment(tmp_path / ".venv") if "$ pip install" in page.read_text() else None
    with exported as settings:
        told = {f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in settings.items()}
        shell = _shell(home, programs or Path(sys.executable).parent) | told
        try:
            yield shell
        finally:
            _end_programs(f"ADDONKIT_HOME={shell['ADDONKIT_HOME']}")


def _end_programs(mark: str) -> None:
    """End what a page that failed left running in the background, such as `addonkit serve &`."""
    for pid in all_pids():
        with suppress(OSError):
            if f"{mark}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)


def _virtual_environment(folder: Path) -> Path:
    """One with all that is installed here and nothing to download; what is installed into it stays in it."""
    venv.create(folder, symlinks=True, with_pip=find_spec("pip") is None)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "checkout.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    for program in ("addonkit", "pip", "pytest"):
        script = folder / "bin" / program
        script.write_text(f'#!/bin/sh\nexec {folder}/bin/python -m {program} "$@"\n')
        script.chmod(0o755)
    return folder / "bin"


def _shell(home: Path, programs: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADDONKIT_", "PIP_", "PYTEST_"))}
    kept.pop("CI", None)
    path = os.pathsep.join((str(programs), kept["PATH"]))
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "false", "PIP_QUIET": "1"}
    return kept | offline | {"PATH": path, "ADDONKIT_HOME": str(home / "state"), "TERM": "dumb", "NO_COLOR": "1"}


def run(argv: list[str], where: Path, environment: Mapping[str, str], text: str = "") -> tuple[int, str]:
    done = subprocess.run(
        argv,
        cwd=where,
        env=dict(environment),
        input=text,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, done.stdout


def run_line(text: str, where: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a line of a console block as a shell does; a plain `addonkit ...` is forked, which takes less time."""
    plain = PLAIN.fullmatch(text) and Path(environment["PATH"].partition(os.pathsep)[0]) == Path(sys.executable).parent
    if not plain or not prefork.can_run(environment):
        return run(["bash", "-c", text], where, environment)
    status, output, _ = prefork.run(shlex.split(text)[1:], environment, "", LIMIT, where, together=True)
    return status, output


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=named(page), marks=[pytest.mark.slow] if page.name in SLOW else []) for page in RUNNABLE],
)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, environment: Mapping[str, str]) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for block in blocks_of(with_free_ports(page.read_text())):
        if block.path:
            file = tmp_path / block.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.language == "console":
            for command in commands_of(block):
                where = f"{page.name}:{command.line}: {command.text}"
                status, output = run_line(command.text, tmp_path, environment)
                assert status == command.status, f"{where}\n{output}"
                assert command.prints(output), f"{where}\nshown:\n{chr(10).join(command.shown)}\nprinted:\n{output}"
        elif block.language == "python":
            status, output = run(["python", "-"], tmp_path, environment, block.text)
            assert status == 0, f"{page.name}:{block.line}\n{output}"


def test_what_a_page_left_running_is_ended(home: Path) -> None:
    mark = f"ADDONKIT_HOME={home}/state"
    with subprocess.Popen(["env", "-i", mark, "sleep", "600"]) as process:
        while process.poll() is None:  # it has the mark as soon as it is a sleep
            _end_programs(mark)
    assert process.returncode == -signal.SIGKILL


def every_block() -> Iterator[tuple[str, Block]]:
    """Blocks of all pages, with the place of each."""
    for page in PAGES:
        yield from ((f"{named(page)}:{block.line}", block) for block in blocks_of(page.read_text()))


def test_blocks_say_what_they_are() -> None:
    assert [place for place, block in every_block() if block.language not in LANGUAGES] == []


def test_fragments_are_python() -> None:
    for place, block in every_block():
        if block.language == "{code-block}":
            ast.parse(block.text, place)


def test_settings_are_toml() -> None:
    for place, block in every_block():
        if block.language == "toml":
            try:
                tomllib.loads(block.text)
            except tomllib.TOMLDecodeError as error:
                pytest.fail(f"{place}: {error}")


def test_a_block_that_shows_an_example_is_that_example() -> None:
    for place, block in every_block():
        example = ROOT / "examples" / block.path
        if block.path and example.is_file():
            shown = block.text.partition("\n")[2]
            assert shown.strip() == example.read_text().strip(), place


def test_nothing_that_could_run_is_only_shown() -> None:
    shown = [place for place, block in every_block() if block.language == "text" and "$ addonkit" in block.text]
    assert shown == []


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (("a", "b"), "a\nb\n", True),
        (("a", "b"), "a\nc\n", False),
        (("a",), "a\nb\n", False),
        (("a", "..."), "a\nb\nc\n", True),
        (("...", "c"), "a\nb\nc\n", True),
        (("...", "c"), "a\nb\n", False),
        (("A  B",), "A      B\n", True),
        (("A  B",), "A B\n", False),
        (("port ... is taken",), "port 5 is taken  \n", True),
        (("port ... is taken",), "port 5\nis taken\n", False),
        ((), "", True),
        ((), "a\n", False),
    ],
)
def test_what_is_shown_is_compared(shown: tuple[str, ...], printed: str, same: bool) -> None:
    assert Command("true", shown, 1).prints(printed) is same
