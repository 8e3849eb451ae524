"""Environments written for other programs to read, in one of several formats. Pure functions.

A value is written in a way that every common reader takes back unchanged, or it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from addonkit.util.env_documents import ServiceContent, to_json, to_k8s_secret, to_vcap
from addonkit.util.env_lines import to_docker, to_dotenv, to_shell, to_systemd


@attrs.frozen
class EnvironmentContent:
    """The variables of an app that are written.

    Attributes:
        app: its name.
        values: of its variables, in clear.
        manual: those of them that no service gives.
        unset: names that its surroundings must not give it; only `shell` can say so.
        services: what it uses; None where that is not known.
    """

    app: str
    values: Mapping[str, str] = attrs.field(factory=dict)
    manual: Mapping[str, str] = attrs.field(factory=dict)
    unset: Sequence[str] = ()
    services: Sequence[ServiceContent] | None = ()


_WRITERS: Final[Mapping[str, Callable[[EnvironmentContent], str]]] = {
    "dotenv": lambda content: to_dotenv(content.values),
    "shell": lambda content: to_shell(content.values, content.unset),
    "json": lambda content: to_json(content.values),
    "docker": lambda content: to_docker(content.values),
    "systemd": lambda content: to_systemd(content.values),
    "vcap": lambda content: to_vcap(content.app, content.manual, content.services),
    "k8s-secret": lambda content: to_k8s_secret(content.app, content.values),
}

FORMATS: Final = tuple(_WRITERS)
"""Names of the formats that `render` knows."""


def render(env_format: str, content: EnvironmentContent) -> str:
    """Write what an app receives in one of FORMATS.

    Raises:
        UnwritableValue: the format cannot hold a value.
        InvalidInput: the format cannot hold the app's name, or needs what is not known.
    """
    return _WRITERS[env_format](content)
