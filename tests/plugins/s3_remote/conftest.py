"""A local S3 service for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from addonkit_s3_remote.local import local_service


@pytest.fixture(scope="session")
def local() -> Iterator[Mapping[str, str]]:
    """Settings of a service of its own."""
    with local_service() as settings:
        yield settings
