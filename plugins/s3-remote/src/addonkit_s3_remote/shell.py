"""Shows what an app's bucket or folder holds: `python -m addonkit_s3_remote.shell [PREFIX]`.

It logs in with the variables that the app receives, and prints size, time and key of each object.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence


async def show(environment: Mapping[str, str], prefix: str) -> tuple[int, int]:
    """Print the objects whose keys begin so, below the app's own folder; return how many and how many bytes."""
    from aiobotocore.session import get_session

    folder = environment.get("S3_PREFIX", "")
    count = size = 0
    async with get_session().create_client("s3", endpoint_url=environment["AWS_ENDPOINT_URL_S3"]) as client:
        pages = client.get_paginator("list_objects_v2")
        async for page in pages.paginate(Bucket=environment["S3_BUCKET"], Prefix=folder + prefix):
            for each in page.get("Contents", ()):
                print(f"{each['Size']:>14,}  {each['LastModified']:%Y-%m-%d %H:%M:%S}  {ascii(each['Key'])[1:-1]}")
                count, size = count + 1, size + each["Size"]
    return count, size


def main(words: Sequence[str]) -> int:
    """Print the listing and its sum; return the exit status."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        count, size = asyncio.run(show(os.environ, words[0] if words else ""))
    except (BotoCoreError, ClientError) as error:
        print(f"error: cannot list the objects: {error}", file=sys.stderr)
        return 1
    print(f"{count:,} {'object' if count == 1 else 'objects'}, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
