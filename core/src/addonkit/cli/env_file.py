"""The environment of an app as a file for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.environment_content import content_for
from addonkit.errors import Busy, InvalidInput
from addonkit.util.env_formats import render

if TYPE_CHECKING:
    from addonkit.models.views import Environment


def export(environment: Environment, env_format: str, *, reveal: bool) -> str:
    """Return the whole environment in a format: never a part of it, never with placeholders for secrets.

    Raises:
        InvalidInput: it holds secrets and they may not be shown.
        Busy: some of its variables are not there yet.
        UnwritableValue: the format cannot hold a value.
    """
    attempted = f"cannot write the environment of {environment.app} as {env_format}"
    secret = [entry.variable.key for entry in environment.entries if entry.variable.sensitive]
    for name in environment.pending:
        raise Busy(attempted, f"the variables of {name} are not there yet", f"run `addonkit retry {name}` to continue")
    if secret and not reveal:
        raise InvalidInput(attempted, f"it holds secrets ({', '.join(secret)})", "add --reveal to write them")
    return render(env_format, content_for(environment))
