"""`addonkit completion`: names completed by the shell."""

from __future__ import annotations

import click

from addonkit.cli.command import command
from addonkit.cli.invocation import Invocation


@command(
    "completion",
    examples=(
        'eval "$(addonkit completion bash)"                        in ~/.bashrc',
        'eval "$(addonkit completion zsh)"                         in ~/.zshrc',
        "addonkit completion fish > ~/.config/fish/completions/addonkit.fish",
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_obj
def completion(invocation: Invocation, shell: str) -> None:
    """Print a script with which a shell completes commands and names.

    Names are those of apps, instances, addons, variants and versions. They come from the state of the home; no addon
    is asked.
    """
    from addonkit.cli.completion import script
    from addonkit.cli.streams import write_exactly

    text = script(shell)
    if invocation.json:
        invocation.answer({"shell": shell, "script": text}, "")
    else:
        write_exactly(f"{text.strip()}\n")
