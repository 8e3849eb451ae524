"""`addonkit doctor`: what is not as it should be, and its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from addonkit.cli.command import command, yes_option
from addonkit.cli.event_loop import with_kit
from addonkit.cli.invocation import Invocation
from addonkit.cli.prompts import confirm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from addonkit.kit.kit import Kit
    from addonkit.models.views import Finding

_LOSING: Final = frozenset({"orphan-disk", "orphan-server", "orphan-claim"})
"""Findings whose fix removes data."""


@command("doctor", examples=("addonkit doctor", "addonkit doctor --fix", "addonkit doctor --fix --yes"))
@click.option("--fix", is_flag=True, help="Fix automatically where possible; asks before data are removed.")
@yes_option("Do not ask before data are removed.")
@click.pass_obj
def doctor(invocation: Invocation, fix: bool, yes: bool) -> None:
    """Check for problems; --fix fixes them.

    Finds processes, directories and databases without an owner, and servers that are down. Also finds work that
    was interrupted, and addons that do not load. The exit status is 1 while something is found.
    """
    from addonkit.cli.render import json, text

    found = with_kit(invocation, lambda kit: kit.doctor())
    done: Sequence[str] = ()
    if fix and found:
        chosen = _choose(invocation, found, yes=yes)
        done, found = with_kit(invocation, lambda kit: _fix(kit, chosen), hint="run the same command again to continue")
    document = {"findings": [json.finding_json(finding) for finding in found], "fixed": list(done)}
    invocation.answer(document, "\n".join((*done, text.findings_text(found) if found else "no problems found")))
    if found:
        raise click.exceptions.Exit(1)


def _choose(invocation: Invocation, found: Sequence[Finding], *, yes: bool) -> list[Finding]:
    """Return the findings to fix: those that cost no data, and the others after a yes."""
    from addonkit.cli.render.text import findings_text

    losing = [finding for finding in found if finding.kind in _LOSING and finding.fix]
    if losing and not yes:
        confirm("cannot fix everything", findings_text(losing), "Remove these data?", json=invocation.json)
    return [finding for finding in found if finding.fix]


async def _fix(kit: Kit, findings: Sequence[Finding]) -> tuple[list[str], tuple[Finding, ...]]:
    """Fix one after the other; one that fails is named and hides no other. What is found afterwards."""
    from addonkit.errors import AddonkitError

    done: list[str] = []
    for finding in findings:
        try:
            done += await kit.fix((finding,))
        except AddonkitError as error:
            done.append(str(error))
    return done, await kit.doctor()
