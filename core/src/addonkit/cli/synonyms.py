"""Words of other tools, and what they are called here."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from addonkit.errors import UnknownAddon, UnknownVariant

COMMANDS: Final = {
    "rm": "addonkit destroy",
    "remove": "addonkit destroy",
    "delete": "addonkit destroy",
    "del": "addonkit destroy",
    "drop": "addonkit destroy",
    "deprovision": "addonkit destroy",
    "uninstall": "addonkit destroy",
    "ls": "addonkit list",
    "ps": "addonkit list",
    "status": "addonkit list",
    "instances": "addonkit list",
    "services": "addonkit list",
    "info": "addonkit show",
    "inspect": "addonkit show",
    "describe": "addonkit show",
    "get": "addonkit show",
    "add": "addonkit create",
    "new-instance": "addonkit create",
    "provision": "addonkit create",
    "install": "addonkit create",
    "up": "addonkit start",
    "down": "addonkit stop",
    "exec": "addonkit run -a APP -- COMMAND",
    "psql": "addonkit shell INSTANCE",
    "cli": "addonkit shell INSTANCE",
    "console": "addonkit shell INSTANCE",
    "sql": "addonkit shell INSTANCE",
    "redis-cli": "addonkit shell INSTANCE",
    "valkey-cli": "addonkit shell INSTANCE",
    "connect": "addonkit shell INSTANCE",
    "dump": "addonkit backup create INSTANCE",
    "snapshot": "addonkit backup create INSTANCE",
    "undo": "addonkit rollback INSTANCE",
    "link": "addonkit attach",
    "bind": "addonkit attach",
    "unlink": "addonkit detach",
    "unbind": "addonkit detach",
    "expose": "addonkit attach",
    "environment": "addonkit env",
    "vars": "addonkit env",
    "variables": "addonkit env",
    "unset": "addonkit env unset",
    "plans": "addonkit variants",
    "sizes": "addonkit variants",
    "search": "addonkit addons",
    "plugins": "addonkit addons",
    "check": "addonkit doctor",
    "repair": "addonkit doctor --fix",
    "fix": "addonkit doctor --fix",
    "log": "addonkit logs",
    "tail": "addonkit logs -f",
    "version": "addonkit --version",
    "init": "addonkit new",
    "daemon": "addonkit serve",
    "apply": "addonkit manifest apply",
    "plan": "addonkit manifest plan",
    "mv": "addonkit rename",
    "cp": "addonkit clone INSTANCE -a APP",
    "copy": "addonkit clone INSTANCE -a APP",
    "fork": "addonkit clone INSTANCE -a APP",
    "backups": "addonkit backup list",
    "schedules": "addonkit backup schedules",
    "recover": "addonkit undestroy",
    "restart-server": "addonkit restart",
    "scale": "addonkit change INSTANCE VARIANT",
    "resize": "addonkit change INSTANCE VARIANT",
    "configure": "addonkit set INSTANCE OPTION=VALUE",
    "options": "addonkit set INSTANCE",
    "settings": "addonkit config show ADDON",
    "extensions": "addonkit extension list INSTANCE",
    "credentials": "addonkit env -a APP --reveal",
    "reset-password": "addonkit rotate INSTANCE",
    "images": "addonkit addons",
    "stats": "addonkit show INSTANCE",
    "top": "addonkit show INSTANCE",
    "health": "addonkit doctor",
    "history": "addonkit saga list",
    "events": "addonkit saga list",
    "executions": "addonkit saga list",
    "operations": "addonkit saga list",
    "config:get": "addonkit env get KEY",
    "config:set": "addonkit env set KEY=VALUE",
    "config:unset": "addonkit env unset KEY",
    "addons:plans": "addonkit variants ADDON",
    "addons:services": "addonkit addons",
    "addons:open": "addonkit shell INSTANCE",
    "pg:reset": "addonkit destroy INSTANCE",
    "pg:wait": "addonkit show INSTANCE",
}
"""Words of docker, heroku, dokku and cloud foundry, and the command for each here."""

ADDONS: Final = {
    "postgres": "postgresql",
    "pg": "postgresql",
    "psql": "postgresql",
    "heroku-postgresql": "postgresql",
    "database": "postgresql",
    "db": "postgresql",
    "redis": "valkey",
    "heroku-redis": "valkey",
    "cache": "valkey",
    "keydb": "valkey",
    "memcache": "memcached",
    "s3": "s3-remote",
    "minio": "s3-remote",
    "bucket": "s3-remote",
    "mysql": "mariadb",
}
"""Names that people try first, and the addon that serves for them."""

_VERSION: Final = re.compile(r"v?(\d[\w.]*)")
_UNKNOWN_ADDON: Final = re.compile(r'unknown addon "([^"]*)"')
_UNKNOWN_VARIANT: Final = re.compile(r'unknown variant "([^"]*)"')


def command_for(word: str, known: Collection[str]) -> str:
    """Return the command that a word of another tool stands for; empty when there is none here.

    Heroku and Dokku write `pg:info` and `postgres:link`: what stands behind the colon says what is meant.
    """
    word = word.lower()
    verb = word.rpartition(":")[2]
    meant = COMMANDS.get(word) or COMMANDS.get(verb) or (f"addonkit {verb}" if ":" in word and verb in known else "")
    name = meant.split()[1] if meant else ""
    return meant if name in known or name.startswith("-") else ""


def advice_for(error: UnknownAddon | UnknownVariant) -> str:
    """Return what is meant by a name of another tool, or by a version in the place of a variant; empty otherwise."""
    if isinstance(error, UnknownVariant):
        version = _VERSION.fullmatch(_first(_UNKNOWN_VARIANT, error.attempted))
        return f"a version is given as `--version {version[1]}`" if version else ""
    meant = ADDONS.get(_first(_UNKNOWN_ADDON, error.attempted), "")
    is_installed = meant and re.search(rf"\b{re.escape(meant)}\b", error.found)
    return f"did you mean {meant}?" if is_installed else ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
