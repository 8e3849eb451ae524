"""Completes names in shells: reads the state alone, and opens nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from click.shell_completion import BashComplete, add_completion_class, get_completion_class, split_arg_string

if TYPE_CHECKING:
    import sqlite3

INSTRUCTION: Final = "_ADDONKIT_COMPLETE"
"""Variable by which a shell asks for completions."""

SHELLS: Final = ("bash", "zsh", "fish")

_EXECUTIONS: Final = 200
"""Executions that are offered at most, newest first."""

_BASH: Final = """\
%(complete_func)s() {
    local IFS=$'\\n' line word
    COMPREPLY=()
    word="${COMP_LINE:0:$COMP_POINT}"
    word="${word##*[[:space:]]}"
    while read -r line; do
        case "$line" in
            dir,*) compopt -o dirnames ;;
            file,*) compopt -o default ;;
            plain,*)
                line="${line#plain,}"
                # Bash replaces what stands behind the last colon only.
                if [[ "$word" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
                    line="${line#"${word%%"${word##*:}"}"}"
                fi
                COMPREPLY+=("$line")
                ;;
        esac
    done < <(%(complete_var)s=bash_complete COMP_WORDS="${COMP_LINE:0:$COMP_POINT}" "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    """Completion of the line up to the cursor: a colon, as in `postgresql:small`, does not end a word."""

    source_template = _BASH

    @staticmethod
    def _check_version() -> None:
        """Ask for nothing: the script works in every bash since 3.2."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is typed, and that one."""
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)[1:]
        return (words, "") if not words or line[-1].isspace() else (words[:-1], words[-1])


def register() -> None:
    """Use our completion for bash."""
    add_completion_class(_Bash, "bash")


def script(shell: str) -> str:
    """Return what a shell is to read once, as in `eval "$(addonkit completion bash)"`."""
    from addonkit.cli.group import cli

    register()
    found = get_completion_class(shell)
    assert found is not None  # the option offers those that there are
    return found(cli, {}, "addonkit", INSTRUCTION).source()


def candidates(kind: str, params: Mapping[str, Any], incomplete: str, home: str | None = None) -> list[str]:
    """Return names of a kind that begin with what is typed; none when the state cannot be read.

    Args:
        kind: `app`, `instance`, `addon`, `spec`, `version`, `execution`, `backup` or `trash`.
        params: what the command line has so far; an app widens instances by what it calls them.
        incomplete: what is typed of the name.
        home: directory given with `--home`.
    """
    import sqlite3

    from addonkit.kit.home import find_home

    path = find_home(home, os.environ) / "state.db"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.5)) as state:
            names = dict.fromkeys(_READERS[kind](state, params))
    except (sqlite3.Error, ValueError):
        return []
    return sorted(name for name in names if name.startswith(incomplete))


def _apps(state: sqlite3.Connection, _params: Mapping[str, Any]) -> Iterator[str]:
    return (name for (name,) in state.execute("SELECT name FROM entity WHERE kind = 'app'"))


def _instances(state: sqlite3.Connection, params: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        n for (n,) in state.execute("SELECT value FROM entity_index WHERE kind = 'instance' AND field = 'name'")
    )
    if params.get("app"):
        query = (
            "SELECT data FROM entity JOIN entity_index USING (kind, name)"
            " WHERE kind = 'association' AND field = 'app' AND value = ?"
        )
        for (data,) in state.execute(query, (str(params["app"]),)):
            association = json.loads(data)
            yield association["alias"] or association["addon"]


def _trash(state: sqlite3.Connection, _params: Mapping[str, Any]) -> Iterator[str]:
    return (n for (n,) in state.execute("SELECT value FROM entity_index WHERE kind = 'trash' AND field = 'name'"))


def _addons(state: sqlite3.Connection, _params: Mapping[str, Any]) -> Iterator[str]:
    return (name for (name,) in state.execute("SELECT name FROM entity WHERE kind = 'addon'"))


def _specs(state: sqlite3.Connection, _params: Mapping[str, Any]) -> Iterator[str]:
    for name, data in state.execute("SELECT name, data FROM entity WHERE kind = 'addon'"):
        yield name
        yield from (f"{name}:{variant}" for variant in json.loads(data)["variants"])


def _versions(state: sqlite3.Connection, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield default versions, and those of instances that there are."""
    addon = str(params.get("spec") or "").partition(":")[0]
    for (data,) in state.execute("SELECT data FROM entity WHERE kind IN ('addon', 'instance')"):
        found = json.loads(data)
        if addon in {"", found.get("addon", found["name"])}:
            version = found.get("default_version") or found.get("config", {}).get("_version")
            if version:
                yield version


def _executions(state: sqlite3.Connection, _params: Mapping[str, Any]) -> Iterator[str]:
    query = f"SELECT name FROM entity WHERE kind = 'execution' ORDER BY created DESC LIMIT {_EXECUTIONS}"  # noqa: S608 - a constant
    return (name for (name,) in state.execute(query))


_READERS: Final = {
    "app": _apps,
    "instance": _instances,
    "addon": _addons,
    "spec": _specs,
    "version": _versions,
    "execution": _executions,
    "backup": _instances,
    "trash": _trash,
}
