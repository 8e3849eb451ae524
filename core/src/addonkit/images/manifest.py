"""Finding the digest of a manifest: HEAD, then GET where HEAD is refused or does not say it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

import attrs

from addonkit.images.auth import Authenticator, Refused
from addonkit.images.challenge import parse_challenges
from addonkit.images.http import Answer, NoAnswer
from addonkit.images.transport import Transport

ACCEPT: Final = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
"""Indexes and lists come first: a digest that is right on every platform is the better answer."""

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
# 400 is the answer to a digest or name that this registry could never have.
_MISSING: Final = frozenset({400, 404, 410})
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class Missing(Exception):
    """The registry has no such manifest."""


async def find_digest(transport: Transport, gate: Authenticator, url: str, wanted: str = "") -> str:
    """Return the digest of the manifest at a URL.

    Args:
        transport: sends the requests.
        gate: answers a challenge of the registry.
        url: of the manifest.
        wanted: the digest that it must have; empty for any.

    Raises:
        Missing: when the registry has none.
        Refused: when the registry does not show it to us.
        NoAnswer: when there is no answer, or not one of a registry.
    """
    visitor = ManifestClient(transport, gate, url)
    answer = await visitor.ask("HEAD")
    if answer.status == _UNAUTHORIZED:
        _judge(answer)  # a wrong password is not tried twice: accounts are locked for less
    digest = _stated(answer)
    if answer.status != _OK or not digest:
        # Some registries and proxies know no HEAD, and say so by 403, 404, 405 or worse: only GET is believed.
        answer = await visitor.ask("GET")
        _judge(answer)
        digest = _stated(answer) or _computed(answer, wanted)
    if wanted and digest != wanted:
        raise NoAnswer("answers with another digest than the one it was asked for")
    return digest


@attrs.define
class ManifestClient:
    """Asks for one manifest, and remembers how it was let in."""

    transport: Transport
    gate: Authenticator
    url: str
    authorization: str = attrs.field(default="", repr=False)

    async def ask(self, method: str) -> Answer:
        """Answer of the registry, after its challenge where it sends one."""
        answer = await self._send(method)
        # A challenge behind a redirect is not one for this registry's login.
        if answer.status != _UNAUTHORIZED or answer.away or self.authorization:
            return answer
        challenges = parse_challenges(answer.headers.get("www-authenticate", ()))
        self.authorization = await self.gate.authorization(challenges)
        return await self._send(method)

    async def _send(self, method: str) -> Answer:
        headers = {"Accept": ACCEPT}
        if self.authorization:
            headers["Authorization"] = self.authorization
        return await self.transport.send(method, self.url, headers)


def _judge(answer: Answer) -> None:
    if answer.status in _MISSING:
        raise Missing
    if answer.status == _UNAUTHORIZED:
        raise Refused("does not accept the login that we have, or wants one")
    if answer.status == _FORBIDDEN:
        raise Refused("does not let us see it")
    if answer.status != _OK:
        raise NoAnswer(f"answers with HTTP status {answer.status}")


def _stated(answer: Answer) -> str:
    """Return the digest in the header; empty when there is none that is one."""
    digest = answer.header("docker-content-digest").strip()
    return digest if _DIGEST.fullmatch(digest) else ""


def _computed(answer: Answer, wanted: str) -> str:
    """Return the digest of the body, by the algorithm of the wanted one."""
    if not isinstance(_manifest(answer.body), Mapping):
        raise NoAnswer("answers with something that is not a manifest")
    algorithm = "sha512" if wanted.startswith("sha512:") else "sha256"
    return f"{algorithm}:{hashlib.new(algorithm, answer.body).hexdigest()}"


def _manifest(body: bytes) -> Mapping[str, object] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) and "schemaVersion" in parsed else None
