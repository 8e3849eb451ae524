"""Finds the addresses that answer for an image: its registry, and the mirrors before it. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import attrs

from addonkit.errors import InvalidInput
from addonkit.models.image_reference import ImageReference

DOCKER_HUB: Final = "docker.io"
"""The registry of references that name none."""

_HUB_HOSTS: Final = frozenset(
    {DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "www.docker.com", "hub.docker.com"}
)
_HUB_SERVER: Final = "registry-1.docker.io"


@attrs.frozen
class Endpoint:
    """One server that may know the image.

    Attributes:
        registry: `host[:port]` as people write it; what errors and credentials are about.
        base: URL in front of `/v2/`, without a slash at its end.
        mirror: whether another endpoint has the last word.
    """

    registry: str
    base: str
    mirror: bool = False

    def manifest(self, reference: ImageReference) -> str:
        """Return the URL of the image's manifest: by digest when it has one, else by tag (`latest` without one)."""
        return f"{self.base}/v2/{reference.path}/manifests/{reference.digest or reference.tag or 'latest'}"


def normalise(reference: ImageReference) -> ImageReference:
    """Return the same image with its registry spelt out; an official image of Docker Hub is under `library/`."""
    registry = canonical_registry(reference.registry)
    official = registry == DOCKER_HUB and "/" not in reference.path
    path = f"library/{reference.path}" if official else reference.path
    return attrs.evolve(reference, registry=registry, path=path)


def canonical_registry(registry: str) -> str:
    """Return `docker.io` for every name of Docker Hub and for none; other hosts in small letters."""
    host = registry.lower()
    return DOCKER_HUB if not host or host in _HUB_HOSTS else host


def endpoints(
    reference: ImageReference, mirrors: Mapping[str, Sequence[str]], insecure: Collection[str] = ()
) -> tuple[Endpoint, ...]:
    """Return who is asked about a normalised reference, in this order: its registry's mirrors, then the registry.

    Args:
        reference: as `normalise` answers it.
        mirrors: registry (`docker.io`) to base URLs (`https://mirror.example.com`), the preferred one first.
        insecure: registries (`host` or `host:port`) that speak plain HTTP, besides those on loopback.

    Raises:
        InvalidInput: when a mirror is not an http(s) URL without a user and a query.
    """
    wanted = [url for host, urls in mirrors.items() if canonical_registry(host) == reference.registry for url in urls]
    server = _HUB_SERVER if reference.registry == DOCKER_HUB else reference.registry
    scheme = "http" if speaks_http(server, insecure) else "https"
    return (*map(_mirror, wanted), Endpoint(reference.registry, f"{scheme}://{server}"))


def speaks_http(host: str, insecure: Collection[str] = ()) -> bool:
    """Return whether a `host[:port]` is asked over plain HTTP: on loopback, or listed with or without its port."""
    name = _hostname(host)
    return is_loopback(name) or bool({host.lower(), name} & {each.lower() for each in insecure})


def is_loopback(name: str) -> bool:
    """Return whether a host name or address, without port and brackets, is this machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _hostname(host: str) -> str:
    return urlsplit(f"//{host}").hostname or host.lower()


def _mirror(url: str) -> Endpoint:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment)
        private = parts.username is not None or parts.password is not None
    except ValueError:
        usable, private = False, False
    if not usable or private:
        shown = "a mirror with a user in its URL" if "@" in url else repr(url)
        raise InvalidInput(f"cannot use mirror {shown}", "it is not a plain http or https URL", _MIRROR_ADVICE)
    return Endpoint(urlsplit(url).netloc.lower(), url.rstrip("/"), mirror=True)


_MIRROR_ADVICE: Final = "write it like 'https://mirror.example.com'; logins belong in Docker's configuration file"
