"""Reads a file before it says how an instance is made."""

from pathlib import Path

from addonkit import hookimpl
from mutants import distant

CAUGHT_BY = "hooks_do_no_io"
SAYS = 'in addon_provision: Path("/etc/hostname").read_bytes()'
CLIENT = "mutants.distant:Client"

GOOD = distant.made()


def addon_provision():
    Path("/etc/hostname").read_bytes()
    return GOOD.addon_provision()


ADDON = distant.made()
ADDON.addon_provision = hookimpl(addon_provision)
