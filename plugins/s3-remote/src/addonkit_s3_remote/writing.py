"""Writes objects: small ones beside each other, large ones in parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

from addonkit_s3_remote.objects import About
from addonkit_s3_remote.places import Place

_PART: Final = 16 * 1024 * 1024
_PARTS: Final = 9_000
"""Parts of an object at most; services allow 10,000."""

_AT_ONCE: Final = 8
_SMALL: Final = 256 * 1024


class Uploads:
    """Puts objects into a place. At the end of its block all are there."""

    def __init__(self, client: Any, place: Place) -> None:
        self._client = client
        self._place = place
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way, or give it up."""
        try:
            if error is None:
                await self._settle(0)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def put(self, about: About, size: int, content: AsyncIterator[bytes], *, in_order: bool) -> None:
        """Put an object; `in_order` when another version of it may be under way."""
        named = {"Bucket": self._place.bucket, "Key": self._place.prefix + about.key, **_told(about)}
        if size > _PART:
            await self._settle(0)
            await self._put_parts(named, size, content)
            return
        body = b"".join([chunk async for chunk in content])
        await self._settle(0 if in_order or size > _SMALL else _AT_ONCE - 1)
        self._running.add(asyncio.create_task(self._put_whole(named, body)))

    async def remove(self, key: str) -> None:
        """Remove an object, which keeps its versions."""
        await self._settle(0)
        await self._client.delete_object(Bucket=self._place.bucket, Key=self._place.prefix + key)

    async def settle(self) -> None:
        """Wait until all that was put is there."""
        await self._settle(0)

    async def _put_whole(self, named: dict[str, Any], body: bytes) -> None:
        await self._client.put_object(**named, Body=body)

    async def _put_parts(self, named: dict[str, Any], size: int, content: AsyncIterator[bytes]) -> None:
        begun = await self._client.create_multipart_upload(**named)
        upload = {"Bucket": named["Bucket"], "Key": named["Key"], "UploadId": begun["UploadId"]}
        try:
            done: list[dict[str, Any]] = []
            async for part in _cut(content, max(_PART, -(-size // _PARTS))):
                number = len(done) + 1
                answer = await self._client.upload_part(**upload, PartNumber=number, Body=part)
                done.append({"PartNumber": number, "ETag": answer["ETag"]})
            await self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})
        except BaseException:
            await asyncio.shield(asyncio.gather(self._client.abort_multipart_upload(**upload), return_exceptions=True))
            raise

    async def _settle(self, most: int) -> None:
        """Wait until so many are under way at most. Those that fail stay among them, for the end of the block."""
        while len(self._running) > most:
            done, running = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            self._running = running


def _told(about: About) -> dict[str, Any]:
    told: dict[str, Any] = {**about.headers, "Metadata": dict(about.metadata)}
    if about.tags:
        told["Tagging"] = urlencode(about.tags)
    return told


async def _cut(content: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    kept = bytearray()
    async for chunk in content:
        kept += chunk
        while len(kept) >= size:
            yield bytes(kept[:size])
            del kept[:size]
    if kept:
        yield bytes(kept)
