"""Answers with other steps each time."""

from itertools import cycle

from addonkit import hookimpl, step
from mutants import distant

CAUGHT_BY = "it_answers_the_same_everywhere"
SAYS = "asked a second time it has other sagas"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def rest() -> None:
    """Rest."""


GOOD = distant.made()
TIMES = cycle((False, True))


def addon_provision(variant):
    saga = GOOD.addon_provision()
    return saga.with_steps(before=[rest]) if next(TIMES) else saga


ADDON = distant.made()
ADDON.addon_provision = hookimpl(addon_provision)
