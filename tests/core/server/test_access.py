"""Who may ask for what: tokens, roles, apps, hosts, TLS."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import attrs
import pytest

from addonkit.errors import InvalidInput
from addonkit.models.token import Role
from addonkit.server.listeners import Listening

from .conftest import SECRET, Client, Served

SHOP = {"addon": "shelf", "app": "shop"}


@pytest.fixture
def tcp(api: Served) -> Client:
    address = next(line for line in api.said if "http://" in line).rpartition(" ")[2]
    return attrs.evolve(api.client, base=address)


@pytest.fixture
async def over_tcp(tcp: Client):
    async with aiohttp.ClientSession() as session:
        yield attrs.evolve(tcp, session=session)


async def token(ask: Client, role: str, *apps: str) -> dict[str, str]:
    made = await ask("POST", "/v1/tokens", {"name": role, "role": role, "apps": [*apps]})
    assert made.status == 201
    return {"Authorization": f"Bearer {made.data['text']}", "id": made.data["id"]}


async def test_the_network_needs_a_token(ask: Client, over_tcp: Client, home: Path) -> None:
    for wrong in (
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer ak_x_y"},
    ):
        answer = await over_tcp("GET", "/v1/apps", **wrong)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="addonkit"')
    assert (await over_tcp("GET", "/v1/health")).status == 200
    reader = await token(ask, "reader")
    assert (await over_tcp("GET", "/v1/apps", **reader)).status == 200
    assert (await ask("DELETE", f"/v1/tokens/{reader['id']}")).status == 204
    assert (await over_tcp("GET", "/v1/apps", **reader)).status == 401
    text = reader["Authorization"].removeprefix("Bearer ")
    assert not [path for path in home.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


async def test_roles(ask: Client, over_tcp: Client) -> None:
    await ask.settle(await ask("POST", "/v1/instances", SHOP))
    reader, operator, admin = [await token(ask, role) for role in ("reader", "operator", "admin")]
    asked = {
        ("GET", "/v1/instances"): (200, 200, 200),
        ("GET", "/v1/apps/shop/environment"): (200, 200, 200),
        ("GET", "/v1/apps/shop/environment?reveal=true"): (403, 200, 200),
        ("POST", "/v1/instances/shop-shelf/retry"): (403, 202, 202),
        ("GET", "/v1/tokens"): (403, 403, 200),
    }
    for (method, path), statuses in asked.items():
        found = tuple([(await over_tcp(method, path, **each)).status for each in (reader, operator, admin)])
        assert found == statuses, path
    refused = await over_tcp("GET", "/v1/apps/shop/environment?reveal=true", **reader)
    assert refused.data["detail"] == (
        "cannot show the secrets of shop: this token has the role reader, which may not do that; "
        "ask for a token with the role operator"
    )
    hidden = await over_tcp("GET", "/v1/apps/shop/environment", **reader)
    assert SECRET not in hidden.text


async def test_a_token_for_some_apps_reaches_no_others(ask: Client, over_tcp: Client) -> None:
    for app in ("shop", "blog"):
        await ask.settle(await ask("POST", "/v1/instances", {"addon": "shelf", "app": app}))
    shop = await token(ask, "operator", "shop")
    for path in ("/v1/apps", "/v1/instances", "/v1/associations", "/v1/operations"):
        found = (await over_tcp("GET", path, **shop)).text
        assert "shop" in found, path
        assert "blog" not in found, path
    (other,) = [each for each in (await ask("GET", "/v1/operations")).data["items"] if each["apps"] == ["blog"]]
    (tie,) = (await ask("GET", "/v1/associations?app=blog")).data["items"]
    refused = [
        ("GET", "/v1/apps/blog", None),
        ("GET", "/v1/apps/blog/environment", None),
        ("PATCH", "/v1/apps/blog/environment", {"set": {"A": "1"}}),
        ("PATCH", "/v1/apps/shop", {"name": "blog2"}),
        ("GET", "/v1/instances/blog-shelf", None),
        ("DELETE", "/v1/instances/blog-shelf", None),
        ("POST", "/v1/instances", {"addon": "shelf", "app": "blog", "alias": "x"}),
        ("POST", "/v1/associations", {"instance": "blog-shelf", "app": "shop"}),
        ("POST", "/v1/associations", {"instance": "shop-shelf", "app": "blog"}),
        ("GET", f"/v1/associations/{tie['id']}", None),
        ("DELETE", f"/v1/associations/{tie['id']}", None),
        ("GET", f"/v1/operations/{other['id']}", None),
        ("GET", f"/v1/operations/{other['id']}/events", None),
        ("GET", "/v1/instances/blog-shelf/backups", None),
        ("POST", "/v1/instances/blog-shelf/restore", {}),
        ("GET", "/v1/instances/blog-shelf/options", None),
        ("POST", "/v1/instances/blog-shelf/options/plan", {}),
        ("GET", "/v1/instances/blog-shelf/extensions", None),
        ("POST", "/v1/instances/blog-shelf/extensions/plan", {}),
        ("POST", "/v1/instances/blog-shelf/extensions", {}),
        ("GET", "/v1/servers?instance=blog-shelf", None),
        ("GET", "/v1/servers?app=blog", None),
        ("GET", "/v1/findings", None),
        ("GET", "/v1/tokens", None),
    ]
    for method, path, body in refused:
        assert (await over_tcp(method, path, body, **shop)).status in {403, 404}, (method, path)
    for path in ("/v1/instances/blog-shel", "/v1/instances/x?app=shop", "/v1/instances/x?app=blo"):
        unknown = await over_tcp("GET", path, **shop)
        assert (unknown.status, "blog-shelf" in unknown.text, "'blog'" in unknown.text) == (404, False, False), path
    limited = await token(ask, "admin", "shop")
    for method, body in (("GET", None), ("POST", {"name": "x", "role": "admin"})):
        assert (await over_tcp(method, "/v1/tokens", body, **limited)).status == 403
    await ask.settle(await ask("POST", "/v1/associations", {"instance": "shop-shelf", "app": "blog", "alias": "more"}))
    guest = await token(ask, "operator", "blog", "web")
    seen = (await over_tcp("GET", "/v1/instances/shop-shelf", **guest)).data
    assert ([each["app"] for each in seen["associations"]], seen["app"]) == (["blog"], ""), "shop is out of reach"
    listed = (await over_tcp("GET", "/v1/instances?app=blog", **guest)).data["items"]
    assert {each["app"] for item in listed for each in item["associations"]} == {"blog"}
    assert (await over_tcp("GET", "/v1/instances/shop-shelf/losses", **guest)).status == 403, "they name other apps"
    invited = await over_tcp("POST", "/v1/associations", {"instance": "shop-shelf", "app": "web"}, **guest)
    assert invited.status == 403, "an app that was let in lets no others in"
    shared = await over_tcp("DELETE", "/v1/instances/shop-shelf", **shop)
    assert shared.status == 403, "another app would lose its data"


async def test_pages_of_other_hosts_cannot_ask(ask: Client, over_tcp: Client) -> None:
    reader = await token(ask, "reader")
    port = over_tcp.base.rpartition(":")[2]
    for host, status in {
        "evil.example": 421,
        f"localhost:{port}": 200,
        "api.example": 200,
        f"[::1]:{port}": 200,
        "[": 421,
    }.items():
        assert (await over_tcp("GET", "/v1/apps", Host=host, **reader)).status == status, host
    for origin in ("http://evil.example", "http://[", "null"):
        assert (await over_tcp("GET", "/v1/apps", Origin=origin, **reader)).status == 403, origin
    assert (await over_tcp("GET", "/v1/apps", Origin=over_tcp.base, **reader)).status == 200


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("0.0.0.0:80", "", ""), "in clear"),
        (("example.com:80", "", ""), "in clear"),
        (("[::]:80", "", ""), "in clear"),
        (("8080", "", ""), "not HOST:PORT"),
        (("127.0.0.1:port", "", ""), "not HOST:PORT"),
        (("127.0.0.1:70000", "", ""), "not HOST:PORT"),
        (("127.0.0.1:0", "cert.pem", ""), "a certificate and its key"),
    ],
)  # fmt: skip
def test_addresses_that_are_refused(words: tuple[str, str, str], part: str) -> None:
    with pytest.raises(InvalidInput, match=part):
        Listening.parse(*words, ())


def test_a_certificate_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    listening = Listening.parse("0.0.0.0:0", str(tmp_path / "cert.pem"), str(tmp_path / "cert.pem"), ())
    with pytest.raises(InvalidInput, match="cannot use the certificate"):
        listening.tls()


def test_roles_are_ordered() -> None:
    assert [[a.allows(b) for b in Role] for a in Role] == [
        [True, True, True],
        [False, True, True],
        [False, False, True],
    ]
