"""Speaks with shells that complete commands and names."""

from __future__ import annotations

import os
from typing import Final

from click.shell_completion import BashComplete, add_completion_class, get_completion_class, split_arg_string

INSTRUCTION: Final = "_ADDONKIT_COMPLETE"
"""Variable by which a shell asks for completions."""

SHELLS: Final = ("bash", "zsh", "fish")

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
                case "$line" in *=) compopt -o nospace 2>/dev/null ;; esac
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
