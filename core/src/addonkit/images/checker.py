"""Checks that an image exists: asks the registry that has it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from addonkit.errors import ImageDenied, ImageNotFound, InvalidReference, RegistryUnreachable
from addonkit.images.auth import Authenticator, Refused
from addonkit.images.credentials import config_file, find_login
from addonkit.images.endpoints import Endpoint, endpoints, normalise
from addonkit.images.http import NoAnswer, open_session
from addonkit.images.manifest import Missing, find_digest
from addonkit.images.retries import Limits
from addonkit.images.transport import Transport
from addonkit.models.image_reference import ImageReference
from addonkit.util.clock import Clock, SystemClock

if TYPE_CHECKING:
    from aiohttp import ClientSession

_NAME_ADVICE: Final = "check its name and tag"
_HEX_DIGITS: Final = {"sha256": 64, "sha512": 128}


class ImageChecker(Protocol):
    """Answers whether an image can be had."""

    async def check_image(self, image: str) -> str:
        """Return the digest (`sha256:...`) of the manifest or index that an image reference means now.

        Raises:
            InvalidReference: when it is not an image reference, or its digest has the wrong length.
            ImageNotFound: when there is no such image.
            ImageDenied: when we may not see it.
            RegistryUnreachable: when the registry does not answer; worth trying again after a while.
        """
        ...


@attrs.frozen(kw_only=True)
class RegistryImageChecker:
    """Asks OCI registries (the distribution specification 1.1, and Docker's registries before it).

    Args:
        mirrors: registry (`docker.io`) to base URLs of mirrors (`https://mirror.example.com`), asked before it and in
            this order. A mirror that is down, denies or does not know the image is skipped.
        insecure: registries (`host` or `host:port`) that speak plain HTTP; those on loopback always do.
        docker_config: the file that holds the logins; None for the one that Docker itself would read.
        clock: where waiting between attempts happens.
        limits: how long and how often registries are asked.
    """

    mirrors: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    insecure: Collection[str] = ()
    docker_config: Path | None = None
    clock: Clock = attrs.field(factory=SystemClock)
    limits: Limits = attrs.field(factory=Limits)

    async def check_image(self, image: str) -> str:
        """See ImageChecker.

        Raises:
            InvalidInput: also when a mirror is not a URL, or Docker's configuration file cannot be read.
        """
        reference = normalise(ImageReference.parse(image))
        _check_digest(image, reference.digest)
        asked = endpoints(reference, self.mirrors, self.insecure)
        deadline = self.clock.monotonic() + self.limits.total
        try:
            async with asyncio.timeout(self.limits.total), open_session(self.limits) as session:
                for mirror in asked[:-1]:
                    if digest := await self._ask_mirror(session, mirror, reference, deadline):
                        return digest
                return await self._ask(session, asked[-1], reference, deadline)
        except Missing:
            raise _not_found(image, reference) from None
        except Refused as error:
            raise _denied(image, reference, str(error)) from None
        except NoAnswer as error:
            raise _unreachable(image, reference, str(error)) from None
        except TimeoutError:
            raise _unreachable(image, reference, f"does not answer within {self.limits.total:g} s") from None

    async def _ask_mirror(
        self, session: ClientSession, mirror: Endpoint, reference: ImageReference, deadline: float
    ) -> str:
        """Return the digest; empty when this mirror has none to give."""
        try:
            async with asyncio.timeout(self.limits.mirror):
                return await self._ask(session, mirror, reference, deadline)
        except (Missing, Refused, NoAnswer, TimeoutError):
            return ""

    async def _ask(self, session: ClientSession, endpoint: Endpoint, reference: ImageReference, deadline: float) -> str:
        path = self.docker_config or config_file()
        login = await asyncio.to_thread(find_login, endpoint.registry, path)
        transport = Transport(session, self.clock, deadline, 1 if endpoint.mirror else self.limits.attempts)
        scope = f"repository:{reference.path}:pull"
        gate = Authenticator(transport, login, scope, plain=endpoint.base.startswith("http://"))
        return await find_digest(transport, gate, endpoint.manifest(reference), reference.digest)


def _check_digest(image: str, digest: str) -> None:
    """Refuse a digest of the wrong length: registries differ in how they fail on one."""
    algorithm, _, code = digest.partition(":")
    length = _HEX_DIGITS.get(algorithm)
    if length and not re.fullmatch(rf"[0-9a-f]{{{length}}}", code):
        found = f"a {algorithm} digest has {length} small hexadecimal digits"
        raise InvalidReference(f"cannot check image {image!r}", found, "copy it whole", image=image)


def _not_found(image: str, reference: ImageReference) -> ImageNotFound:
    found = f"{reference.registry} has no such image"
    return ImageNotFound(f"cannot find image {image!r}", found, _NAME_ADVICE, image=image, registry=reference.registry)


def _denied(image: str, reference: ImageReference, reason: str) -> ImageDenied:
    registry = reference.registry
    advice = f"{_NAME_ADVICE}, or log in with 'docker login {registry}'"
    return ImageDenied(f"cannot see image {image!r}", f"{registry} {reason}", advice, image=image, registry=registry)


def _unreachable(image: str, reference: ImageReference, reason: str) -> RegistryUnreachable:
    found = f"{reference.registry} {reason}"
    advice = "try again later, or check the network and the registry's name"
    return RegistryUnreachable(f"cannot check image {image!r}", found, advice, image=image, registry=reference.registry)
