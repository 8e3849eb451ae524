"""Servers that do not exist: an addon is asked for their program, which is not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from addonkit.models.definition import is_shared_variant
from addonkit.models.instance import Server
from addonkit.models.secret import Secret
from addonkit.provider.server_addon.declaration import ADMIN_PASSWORD


class Noted(dict[str, str]):
    """A config that notes which of its words were looked at."""

    def __init__(self, config: Mapping[str, str]) -> None:
        """Take the words over; none was looked at."""
        super().__init__(config)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a word, as dict does."""
        self.read.add(key)
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def items(self) -> Any:
        """Return all words, as dict does."""
        self.read.update(super().keys())
        return super().items()


def example_server(addon: str, variant: str, config: Mapping[str, str]) -> Server:
    """Return a server that does not exist: its program is asked for, and not run."""
    key = "shared:kit" if is_shared_variant(variant) else "kit"
    secrets = {ADMIN_PASSWORD: Secret("an-example-of-a-password-of-some-length")}
    return Server("kit-server", addon, key, config=config, attributes=secrets)
