"""Reads what the operator told about registries from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from addonkit.errors import InvalidInput
from addonkit.images.checker import RegistryImageChecker

MIRRORS: Final = "ADDONKIT_REGISTRY_MIRRORS"
"""`REGISTRY=URL`, several separated by commas; of several for one registry the first is asked first."""

INSECURE: Final = "ADDONKIT_INSECURE_REGISTRIES"
"""`HOST` or `HOST:PORT`, separated by commas: registries that speak plain HTTP."""


def checker_from(environ: Mapping[str, str]) -> RegistryImageChecker:
    """Return the checker that these settings describe.

    Raises:
        InvalidInput: for a mirror that is not written as above.
    """
    mirrors: dict[str, tuple[str, ...]] = {}
    for entry in _words(environ, MIRRORS):
        registry, equals, url = entry.partition("=")
        if not registry or not equals or not url:
            raise InvalidInput(
                f"cannot read {MIRRORS}", f"{entry!r} is not REGISTRY=URL", "write docker.io=https://..."
            )
        mirrors[registry] = (*mirrors.get(registry, ()), url)
    return RegistryImageChecker(mirrors=mirrors, insecure=_words(environ, INSECURE))


@attrs.frozen
class ConfiguredImageChecker:
    """Reads the settings when it is asked about an image: what is wrong in them stops nothing else."""

    environ: Mapping[str, str]

    async def check_image(self, image: str) -> str:
        """See ImageChecker; also raises what `checker_from` does."""
        return await checker_from(self.environ).check_image(image)


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in environ.get(name, "").split(",") if word.strip())
