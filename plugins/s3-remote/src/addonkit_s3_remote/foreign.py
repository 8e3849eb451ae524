"""Loads what no archive holds: the files of a folder, or the objects of a bucket, which is only read."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from addonkit import (
    BackupError,
    DataDiffer,
    Fingerprint,
    InvalidInput,
    Member,
    NotConfigured,
    Secret,
    SetDigest,
    describe_differences,
)
from addonkit_s3_remote.client import PATIENCE_FOR_MANY, s3
from addonkit_s3_remote.objects import About
from addonkit_s3_remote.places import Place
from addonkit_s3_remote.reading import contents, entries
from addonkit_s3_remote.removal import Progress
from addonkit_s3_remote.service import Key, Service
from addonkit_s3_remote.writing import Uploads

FOREIGN: Final = "import/"
URL: Final = "import/url"
FOLDER: Final = "import/folder/"
"""Names of members of what is imported; the content of the second is the URL."""

_AWS: Final = "https://s3.amazonaws.com"
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
"""What a name has in the place of bytes that are no UTF-8."""

_EVERY: Final = 500
"""Objects between two remarks."""


async def load_foreign(
    service: Service,
    client: Any,
    place: Place,
    uploads: Uploads,
    first: Member,
    others: AsyncIterator[Member],
    progress: Progress,
) -> None:
    """Fill a place, and compare the content of all objects.

    Raises:
        BackupError: the origin has nothing, or a file of it has a name that no object can have.
        DataDiffer: something has not arrived.
    """
    digest = _Contents(progress)
    if first.name == URL:
        url = b"".join([chunk async for chunk in first.content()]).decode()
        await _load_bucket(service, url, uploads, digest)
    else:
        await _load_file(first, uploads, digest)
        async for member in others:
            await _load_file(member, uploads, digest)
    await uploads.settle()
    there = _Contents(lambda _text: None)
    async for each in contents(client, place, entries(client, place)):
        async for _chunk in each.chunks():
            pass
        there.add(each.about.key, each.size, each.sha256)
    found = digest.fingerprint().differences(there.fingerprint())
    if found:
        raise DataDiffer(f"loading the objects of {place}", describe_differences(found), differences=list(found))


class _Contents:
    """Collects keys and contents: services may add to what is kept about an object."""

    def __init__(self, progress: Progress) -> None:
        self._digest = SetDigest()
        self._progress = progress

    def add(self, key: str, size: int, sha256: str) -> None:
        """Take an object."""
        self._digest.add(f"{size}\n{sha256}\n{key}".encode())
        if self._digest.count % _EVERY == 0:
            self._progress(f"{self._digest.count:,} objects loaded")

    def fingerprint(self) -> Fingerprint:
        """Return what it all is."""
        return Fingerprint((self._digest.part("objects", "objects"),))


async def _load_file(member: Member, uploads: Uploads, digest: _Contents) -> None:
    key, size = member.name.removeprefix(FOLDER), member.size or 0
    if _SURROGATE.search(key):
        raise BackupError("importing a folder", f"the name of {key!r} is no UTF-8", "rename the file")
    sha256 = hashlib.sha256()

    async def hashed() -> AsyncIterator[bytes]:
        read = 0
        async for chunk in member.content():
            read += len(chunk)
            sha256.update(chunk)
            yield chunk
        if read != size:
            raise BackupError("importing a folder", f"{key} has changed while it was read")

    kind, encoding = mimetypes.guess_type(key)
    headers = {"ContentType": kind} if kind and not encoding else {}
    await uploads.put(About(key, headers=headers), size, hashed(), in_order=False)
    digest.add(key, size, sha256.hexdigest())


async def _load_bucket(own: Service, url: str, uploads: Uploads, digest: _Contents) -> None:
    place = place_of(url)
    service, count = source_service(own, os.environ), 0
    async with s3(service, f"reading {url}", patience=PATIENCE_FOR_MANY) as client:
        async for each in contents(client, place, entries(client, place)):
            await uploads.put(each.about, each.size, each.chunks(), in_order=False)
            digest.add(each.about.key, each.size, each.sha256)
            count += 1
    if not count:
        raise BackupError(f"importing {url}", f"there is no object at {service.endpoint}")


def place_of(url: str) -> Place:
    """Return the bucket, and the folder in it, that a URL such as `s3://bucket/folder` names.

    Raises:
        InvalidInput: it names no bucket, or has more.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc or ":" in parts.netloc:
        raise InvalidInput("cannot import from that URL", "it is not like s3://bucket/folder")
    folder = unquote(parts.path).strip("/")
    return Place(parts.netloc, f"{folder}/" if folder else "")


def source_service(own: Service, environ: Mapping[str, str]) -> Service:
    """Return the service that the usual variables describe; without them the one that the addon itself uses.

    Raises:
        NotConfigured: they name a key without its secret, or a service without a key.
    """
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL", "")
    key, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not (endpoint or key or secret):
        return own
    if not (key and secret):
        missing = "AWS_SECRET_ACCESS_KEY" if key else "AWS_ACCESS_KEY_ID"
        raise NotConfigured("importing from S3", f"{missing} is not set", f"set {missing}")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return Service(endpoint.rstrip("/") or _AWS, None, region, Key(Secret(key), Secret(secret)))
