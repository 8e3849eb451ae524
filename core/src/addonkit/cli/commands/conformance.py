"""`addonkit conformance`: whether an addon keeps what every addon promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation
from addonkit.cli.params import addon_argument

if TYPE_CHECKING:
    from addonkit.testing.conformance.report import Check


@command(
    "conformance",
    examples=(
        "addonkit conformance postgresql",
        "addonkit conformance acme --quick",
        "addonkit conformance acme -k crash -o build",
    ),
)
@addon_argument()
@click.option("-k", "chosen", metavar="WORDS", default="", help="Only checks whose names match, as pytest has it.")
@click.option("--quick", is_flag=True, help="Leave out the checks that begin anew at every step or with a crowd.")
@click.option("-x", "--exitfirst", "first", is_flag=True, help="Begin no further check after one that failed.")
@click.option(
    "-j", "--jobs", type=click.IntRange(1), help="How many checks run side by side; default is three for each core."
)
@click.option(
    "-o",
    "--output",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, exists=True),
    default=".",
    help="Where conformance.json and conformance.xml go; default is here.",
)
@click.pass_obj
def conformance(
    invocation: Invocation, addon: str, chosen: str, quick: bool, first: bool, jobs: int | None, output: str
) -> None:
    """Check that an installed addon keeps what every addon promises.

    It provisions real things in a home of its own, and ends processes at every step. It tells what to do about what
    fails. Needs the extra addonkit[testing]. The shapes of the addon's sagas are compared with the file
    ADDON.sagas.json in the current directory or its folder tests. One that is not there is begun, except in
    CI; ADDONKIT_SAGA_LOCK_UPDATE=1 writes it anew.
    """
    from pathlib import Path

    from addonkit.errors import NotFound

    _check_can_run(addon)
    from addonkit.testing.conformance import report
    from addonkit.testing.conformance import session as kit

    lock = kit.find_lock(addon, Path.cwd())
    is_new = not lock.exists()
    begin, tell = _progress()
    wanted = jobs or kit.default_jobs()
    checks = kit.run(addon, lock, chosen, tell, begin=begin, quick=quick, jobs=wanted, first_failure=first)
    if not checks:
        raise NotFound(f"cannot test addon {addon}", f"no check matches {chosen!r}", "leave -k out to run them all")
    whole = not (quick or chosen)
    locked = [lock.relative_to(Path.cwd())] if is_new and lock.exists() else []
    files = [str(path) for path in (*report.write(checks, addon, Path(output), whole=whole), *locked)]
    failed = sum(not check.passed for check in checks)
    kind = f"{'quick ' if quick else ''}check{'s' if len(checks) > 1 else ''}"
    words = f"{len(checks)} {kind}, {failed} failed; written: {', '.join(files)}"
    invocation.answer(report.document(checks, addon, whole=whole), f"{report.as_text(checks)}\n{words}")
    click.get_current_context().exit(1 if failed else 0)


def _check_can_run(addon: str) -> None:
    """Make sure that there is pytest, an addon of that name, and a client of it; a broken one is a check's to tell.

    Raises:
        NotFound: one of them is not there.
    """
    from contextlib import suppress
    from importlib.util import find_spec

    from addonkit.errors import AddonBroken, NotFound

    if find_spec("pytest") is None:
        advice = "pip install 'addonkit[testing]'"
        raise NotFound(f"cannot test addon {addon}", "the conformance kit needs pytest", advice)
    from addonkit.registry.registry import Registry
    from addonkit.testing.conformance.client import find_client

    with suppress(AddonBroken):
        Registry.discover().get(addon)
    find_client(addon)


def _progress() -> tuple[Callable[[str], None], Callable[[Check], None]]:
    """Return what shows that a check begins, on a terminal alone, and how it ended."""
    import sys

    from addonkit.cli.streams import clean, echo_err, is_terminal
    from addonkit.testing.conformance import report

    def begin(line: str) -> None:
        if is_terminal(sys.stderr):
            echo_err(clean(line))

    def tell(check: Check) -> None:
        echo_err(clean(report.as_line(check)))

    return begin, tell
