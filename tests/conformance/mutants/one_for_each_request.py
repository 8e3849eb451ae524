"""Starts a server of its own for each request, also for one that finds what another one made."""

import subprocess

from addonkit import hookimpl
from mutants import distant

CAUGHT_BY = "a_second_create_makes_nothing[place]"
SAYS = "this is left: process sleep"
CLIENT = "mutants.distant:Client"

GOOD = distant.made()
STARTED: list[subprocess.Popen[bytes]] = []


def addon_provision(app):
    STARTED.append(subprocess.Popen(["sleep", "9"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    return GOOD.addon_provision()


ADDON = distant.made()
ADDON.addon_provision = hookimpl(addon_provision)
