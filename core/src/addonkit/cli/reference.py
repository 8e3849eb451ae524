"""Prints the reference of the command line, made of the commands' own help: `python -m addonkit.cli.reference`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from addonkit.cli.group import cli

_WIDTH: Final = 100

_HEAD: Final = """\
# The command line

Written from the commands' own help by `python -m addonkit.cli.reference`.

Results go to stdout; progress, questions and errors to stderr. With `--json` stdout is exactly one JSON document, an
error included: `{"error": {"kind", "message", "attempted", "found", "advice", "details"}}`; `kind` is a class of
[errors](errors.md), or `UsageError`, `Interrupted`, `InternalError`. Secrets are hidden unless `--reveal` is given.

| exit status | meaning |
| --- | --- |
| 0 | done |
| 1 | failed; one line on stderr says why |
| 2 | the command line is wrong |
| 130 | interrupted by Ctrl-C or SIGTERM; the line on stderr says how to continue and how to undo |
| others | `addonkit run` ends with the status of the program it ran; 126 and 127 when it could not be run |

| variable | meaning |
| --- | --- |
| `ADDONKIT_HOME` | where everything is kept, like `--home` |
| `ADDONKIT_APP` | the app, like `-a` |
| `ADDONKIT_URL` | a home that another process serves, as `unix:/path/to/api.sock` or `https://host:8700` |
| `ADDONKIT_TOKEN` | the token for that, where it is not a Unix socket |
| `ADDONKIT_KEY` | the key that opens stored secrets, instead of the file `key` in the home |
| `ADDONKIT_BLOCK` | names of addons, plugins or distributions that are not used, separated by commas |
| `ADDONKIT_PROGRAMS` | directories in which executables of servers are looked for first, separated like `PATH` |
| `ADDONKIT_PORTS` | ports that servers may have, as `20000-20100` |
| `ADDONKIT_TEMPLATES` | a directory of one's own that homes share for prepared disks; each has its own without it |
| `ADDONKIT_SERVICE_UIDS` | uids for servers when addonkit runs as root, one for each, as `900000-999999` |
| `ADDONKIT_SERVICE_USER` | one user that all servers run as when addonkit runs as root |
| `ADDONKIT_<ADDON>_<NAME>` | a setting of an addon, as `ADDONKIT_S3_REMOTE_ENDPOINT`; wins over `addonkit config set` |
| `ADDONKIT_BACKEND` | name of the installed backend that runs servers; without it they are processes of this machine |
| `ADDONKIT_BRANCH` | the git branch whose data are used, in the repository that an app is bound to |
| `ADDONKIT_TRASH` | how long `destroy` keeps a final backup, as `14d`; default 7d; `0`: none is made |
| `ADDONKIT_BACKUPS` | URL of the repository of backups; without it a directory beside the home, `<home>-backups` |
| `ADDONKIT_BACKUP_RECIPIENTS` | further age public keys that backups are encrypted to, separated by commas |
| `ADDONKIT_REGISTRY_MIRRORS` | mirrors of image registries, as `docker.io=https://m.example.org`, separated by commas |
| `ADDONKIT_INSECURE_REGISTRIES` | image registries that speak plain HTTP, separated by commas |
| `DOCKER_CONFIG` | directory of the `config.json` that holds logins to image registries |
| `NO_COLOR` | no colours |

Names are completed by bash after `eval "$(addonkit completion bash)"`; also `zsh` and `fish`.
"""


def reference() -> str:
    """Return the whole page, as Markdown."""
    return "\n".join((_HEAD, *_sections(cli, None)))


def _sections(found: click.Command, parent: click.Context | None) -> Iterator[str]:
    width = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(found, parent, found.name, **{**found.context_settings, **width})
    yield f"## {context.command_path}\n\n```text\n{found.get_help(context)}\n```\n"
    if isinstance(found, click.Group):
        for name in found.list_commands(context):
            inner = found.get_command(context, name)
            if inner is not None:
                yield from _sections(inner, context)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
