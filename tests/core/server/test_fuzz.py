"""Requests that a machine makes of the description: what answers them keeps to it, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from addonkit.server.listeners import Listening
from addonkit.server.openapi import describe
from addonkit.testing.fixtures.loop import LoopThread
from addonkit.testing.home import temporary_home

from .conftest import Shelf, served

OPEN = {key: value for key, value in describe().items() if key != "security"}
"""The description without tokens: each request has one."""

schema = schemathesis.openapi.from_dict(OPEN)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, str]]:
    """Where an API answers, and the token of an admin."""
    listening = Listening.parse("127.0.0.1:0", "", "", ())
    with temporary_home() as home, LoopThread() as loop, loop.entered(served(home, Shelf(), listening)) as found:
        made = loop.run(found.client("POST", "/v1/tokens", {"name": "fuzz", "role": "admin"}))
        loop.run(found.client("POST", "/v1/instances", {"addon": "shelf", "app": "shop"}))
        yield next(line for line in found.said if "http://" in line).rpartition(" ")[2], made.data["text"]


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=[*HealthCheck], phases=[Phase.explicit, Phase.generate])
def test_no_request_breaks_the_description(case: schemathesis.Case, address: tuple[str, str]) -> None:
    base, token = address
    # A parameter that a URL cannot hold, as an empty list, is not sent: then nothing is wrong with the request.
    unsent = any(value in ([], {}, None) for value in (case.query or {}).values())
    excluded = [negative_data_rejection] if unsent else []
    # No ETag of a machine is the one that is there: 412 is the answer, and 400 where it is none.
    if "If-Match" in (case.headers or {}):
        excluded.append(positive_data_acceptance)
    case.call_and_validate(base_url=base, headers={"Authorization": f"Bearer {token}"}, excluded_checks=excluded)
