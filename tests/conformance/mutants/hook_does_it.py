"""Starts something as soon as it is asked what it would do."""

import subprocess

from addonkit import hookimpl
from mutants import distant

CAUGHT_BY = "a_plan_does_nothing[place]"
SAYS = "only a plan was asked for, and this is left: process sleep"
CLIENT = "mutants.distant:Client"

GOOD = distant.made()
STARTED: list[subprocess.Popen[bytes]] = []


def addon_provision(variant):
    STARTED.append(subprocess.Popen(["sleep", "9"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    return GOOD.addon_provision()


ADDON = distant.made()
ADDON.addon_provision = hookimpl(addon_provision)
