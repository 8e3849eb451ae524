"""A login is never sent in the clear because another server said so."""

from __future__ import annotations

import attrs
import pytest
from yarl import URL

from addonkit.images.auth import Authenticator
from addonkit.images.challenge import Challenge
from addonkit.images.credentials import Login
from addonkit.images.http import NoAnswer, open_session
from addonkit.images.retries import Limits
from addonkit.images.transport import Transport, _next
from addonkit.models.secret import Secret

READER = Login("reader", Secret("correct-horse"))


@pytest.fixture
async def gate(clock):
    """The gate of a registry that is asked over plain http."""
    async with open_session(Limits()) as session:
        yield Authenticator(Transport(session, clock, 30.0, 1), READER, "repository:team/app:pull", plain=True)


async def test_a_registry_on_https_cannot_name_a_token_server_on_http(gate, start):
    server = await start()
    encrypted = attrs.evolve(gate, plain=False)
    with pytest.raises(NoAnswer, match="over plain http"):
        await encrypted.authorization([Challenge("bearer", {"realm": f"http://{server.host}/token"})])
    assert server.asked == []


async def test_what_a_token_server_is_already_asked_stays(gate, start):
    server = await start()
    realm = {"realm": f"http://{server.host}/token?account=reader"}
    assert await gate.authorization([Challenge("bearer", realm)]) == "Bearer t0ken-of-the-token-server"
    assert server.asked[0].query == {"account": ["reader"], "scope": ["repository:team/app:pull"]}


async def test_a_token_is_preferred_to_a_password(gate, start):
    server = await start()
    bearer = Challenge("bearer", {"realm": f"http://{server.host}/token"})
    assert (await gate.authorization([Challenge("basic"), bearer])).startswith("Bearer ")


def test_a_redirect_does_not_leave_encryption():
    start = URL("https://r.io/v2/")
    assert _next(start, "/elsewhere") == URL("https://r.io/elsewhere")
    assert _next(start, "https://cdn.example.com/x?sig=a%2Fb") == URL("https://cdn.example.com/x?sig=a%2Fb")
    with pytest.raises(NoAnswer, match="from https to plain http"):
        _next(start, "http://r.io/v2/")
