"""Logins: where they go, and above all where they do not."""

from __future__ import annotations

import json
import os

import attrs
import pytest

from addonkit.errors import ImageDenied, InvalidInput, RegistryUnreachable

SECRETS = ("correct-horse", "cmVhZGVyOmNvcnJlY3QtaG9yc2U=", "refresh-me", "t0ken-of-the-token-server")


def shows_no_secret(error):
    text = f"{error!s} {error!r} {error.details} {error.__cause__!r}"
    return not any(secret in text for secret in SECRETS)


async def test_a_password_opens_a_registry_that_wants_one(start, checker, log_in):
    registry = await start(login="basic")
    log_in(registry.host)
    assert await checker.check_image(registry.image) == registry.digest
    assert [bool(each.authorization) for each in registry.asked] == [False, True]


async def test_without_a_login_a_registry_that_wants_one_denies(start, checker):
    registry = await start(login="basic")
    with pytest.raises(ImageDenied) as caught:
        await checker.check_image(registry.image)
    assert str(caught.value) == (
        f"cannot see image '{registry.image}': {registry.host} asks for a login, and there is none for it; check its"
        f" name and tag, or log in with 'docker login {registry.host}'"
    )


@pytest.mark.parametrize("login", ["basic", "bearer"])
async def test_a_wrong_password_denies_and_is_not_shown(start, checker, log_in, login):
    registry = await start(login=login, user="reader:battery-staple")
    log_in(registry.host)
    with pytest.raises(ImageDenied) as caught:
        await checker.check_image(registry.image)
    assert shows_no_secret(caught.value)
    assert sum(each.authorization.startswith("Basic") for each in registry.asked) == 1  # accounts are locked for less


async def test_a_credential_helper_opens_a_registry(start, checker, docker_config, tmp_path, monkeypatch):
    registry = await start(login="basic")
    program = tmp_path / "docker-credential-keeper"
    program.write_text("""#!/bin/sh\necho '{"Username": "reader", "Secret": "correct-horse"}'\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    docker_config.write_text(json.dumps({"auths": {registry.host: {}}, "credsStore": "keeper"}))
    assert await checker.check_image(registry.image) == registry.digest


@pytest.mark.parametrize("key", ["token", "access_token"])
async def test_a_token_is_fetched_with_the_login(start, checker, log_in, key):
    registry = await start(login="bearer", token_key=key)
    log_in(registry.host)
    assert await checker.check_image(registry.image) == registry.digest
    refused, token, let_in = registry.asked
    assert (refused.authorization, let_in.authorization) == ("", f"Bearer {SECRETS[3]}")
    assert token.method == "GET"
    assert token.query == {"service": ["small"], "scope": ["repository:team/app:pull"]}
    assert token.authorization.startswith("Basic ")


async def test_a_token_may_be_had_without_a_login(start, checker):
    registry = await start(login="bearer", anonymous=True)
    assert await checker.check_image(registry.image) == registry.digest


async def test_a_token_serves_head_and_get(start, checker):
    registry = await start(login="bearer", anonymous=True, head_status=405)
    assert await checker.check_image(registry.image) == registry.digest
    assert registry.methods == ["HEAD", "GET", "HEAD", "GET"]  # challenge, token, refused, answered


async def test_a_challenge_without_a_scope_asks_for_this_image(start, checker):
    registry = await start(login="bearer", anonymous=True)
    registry.challenge = f'Negotiate, Basic realm="x", bearer REALM="http://{registry.host}/token"'
    assert await checker.check_image(registry.image) == registry.digest
    assert registry.asked[1].query == {"scope": ["repository:team/app:pull"]}


async def test_an_identity_token_is_exchanged_in_a_form(start, checker, log_in):
    registry = await start(login="bearer")
    log_in(registry.host, "<token>:", identitytoken="refresh-me")
    assert await checker.check_image(registry.image) == registry.digest
    token = registry.asked[1]
    assert (token.method, token.query, token.authorization) == ("POST", {}, "")
    assert token.form == {
        "grant_type": "refresh_token",
        "service": "small",
        "scope": "repository:team/app:pull",
        "client_id": "addonkit",
        "refresh_token": "refresh-me",
    }


async def test_a_token_server_that_is_busy_is_waited_for(start, checker, clock):
    registry = await start(login="bearer", anonymous=True, troubles=[("/token", 429, {"Retry-After": "3"})])
    assert await checker.check_image(registry.image) == registry.digest
    assert clock.slept == [3.0]


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"token": 7}', '{"token": "a\\r\\nX-Evil: b"}'])
async def test_a_token_server_that_gives_no_token_is_told(start, checker, text):
    registry = await start(login="bearer", token_answer=(200, text))
    with pytest.raises(RegistryUnreachable, match="answers without a token"):
        await checker.check_image(registry.image)


@pytest.mark.parametrize(
    "realm", ["", "not a url", "ftp://127.0.0.1/token", "/token", "http://h:99999999/", "http://user:secret@127.0.0.1/"]
)
async def test_a_token_server_that_is_none_is_told(start, checker, realm):
    registry = await start(login="bearer", challenge=f'Bearer realm="{realm}"')
    with pytest.raises(RegistryUnreachable, match=r"no usable token server|not a plain http or https URL"):
        await checker.check_image(registry.image)


@pytest.mark.parametrize("challenge", ["Negotiate", "Digest realm=x", "?"])
async def test_a_kind_of_login_that_is_not_known_denies(start, checker, challenge):
    registry = await start(login="basic", challenge=challenge)
    with pytest.raises(ImageDenied, match="not known here"):
        await checker.check_image(registry.image)


@pytest.mark.parametrize("login", ["basic", "bearer"])
async def test_a_redirect_to_another_host_carries_no_login(start, checker, log_in, login):
    other = await start()
    registry = await start(login=login, redirect_let_in=f"http://{other.host}")
    log_in(registry.host)
    assert await checker.check_image(registry.image) == other.digest
    assert registry.asked[-1].authorization
    assert [each.authorization for each in other.asked] == [""]


async def test_a_redirect_back_home_carries_no_login_any_more(start, checker, log_in):
    other, registry = await start(), await start(login="basic")
    other.redirect = f"http://{registry.host}"
    registry.redirect_let_in = f"http://{other.host}"
    log_in(registry.host)
    with pytest.raises(ImageDenied):
        await checker.check_image(registry.image)
    assert [each.method for each in registry.asked if each.authorization] == ["HEAD"]
    assert not any(each.authorization for each in other.asked)


async def test_a_challenge_from_where_a_redirect_led_is_not_answered(start, checker, log_in):
    other = await start(login="basic")
    registry = await start(redirect=f"http://{other.host}")
    log_in(registry.host)
    with pytest.raises(ImageDenied, match="does not accept the login"):
        await checker.check_image(registry.image)
    assert not any(each.authorization for each in (*registry.asked, *other.asked))


async def test_a_redirect_on_the_same_host_carries_the_login(start, checker, log_in):
    moved = ("/v2/team/old/", 301, {"Location": "/v2/team/app/manifests/1"})
    registry = await start(login="basic", troubles=[moved, moved])
    log_in(registry.host)
    # A redirected request and its repetition with the login are four: there, challenged, there again, let in.
    registry.troubles.insert(1, ("/v2/team/app/", 401, {"WWW-Authenticate": "Basic"}))
    assert await checker.check_image(f"{registry.host}/team/old:1") == registry.digest
    assert [each.path.split("/")[3] for each in registry.asked] == ["old", "app", "old", "app"]
    assert [bool(each.authorization) for each in registry.asked] == [False, False, True, True]


async def test_an_identity_token_is_not_sent_on_to_where_a_token_server_redirects(start, checker, log_in):
    other = await start()
    registry = await start(login="bearer", troubles=[("/token", 307, {"Location": f"http://{other.host}/token"})])
    log_in(registry.host, identitytoken="refresh-me")
    with pytest.raises(RegistryUnreachable, match="token server that answers with HTTP status 307"):
        await checker.check_image(registry.image)
    assert other.asked == []


async def test_redirects_in_a_circle_end(start, checker):
    registry = await start()
    registry.redirect = f"http://{registry.host}"
    with pytest.raises(RegistryUnreachable, match="redirects more than 5 times"):
        await checker.check_image(registry.image)


@pytest.mark.parametrize("target", ["ftp://127.0.0.1", "http://h:99999999", "http://u:p@127.0.0.1"])
async def test_a_redirect_to_nowhere_is_told(start, checker, target):
    registry = await start(redirect=target)
    with pytest.raises(RegistryUnreachable, match="not a"):
        await checker.check_image(registry.image)


async def test_a_login_goes_to_its_own_registry_only(start, checker, log_in):
    registry, mirror = await start(login="basic"), await start(login="basic")
    log_in(registry.host)
    checker = attrs.evolve(checker, mirrors={registry.host: [f"http://{mirror.host}"]})
    assert await checker.check_image(registry.image) == registry.digest
    assert not any(each.authorization for each in mirror.asked)


async def test_a_configuration_that_cannot_be_read_is_told_without_its_text(start, checker, docker_config):
    registry = await start()
    docker_config.write_text('{"auths": {"correct-horse')
    with pytest.raises(InvalidInput, match="it is not JSON") as caught:
        await checker.check_image(registry.image)
    assert shows_no_secret(caught.value)
