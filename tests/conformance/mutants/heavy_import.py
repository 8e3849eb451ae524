"""Imports a client library when it is loaded."""

import aiohttp

from mutants.depot import made

CAUGHT_BY = "it_loads_without_its_drivers"
SAYS = "aiohttp"

SESSION = aiohttp.ClientSession
ADDON = made()
