"""Logins in Docker's configuration file."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import InvalidInput
from addonkit.images import credential_helpers
from addonkit.images.credentials import Login, config_file, find_login
from addonkit.models.secret import Secret


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def write(docker_config):
    def write(config: object) -> Path:
        docker_config.write_text(json.dumps(config))
        return docker_config

    return write


READER = {"auth": encoded("reader:pass:word")}
LOGIN = Login("reader", Secret("pass:word"))


def test_the_file_is_where_docker_has_it(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert config_file({}) == Path("/home/someone/.docker/config.json")
    assert config_file({"DOCKER_CONFIG": ""}) == Path("/home/someone/.docker/config.json")
    assert config_file({"DOCKER_CONFIG": "/etc/docker-logins"}) == Path("/etc/docker-logins/config.json")
    monkeypatch.setenv("DOCKER_CONFIG", "~/logins")
    assert config_file() == Path("/home/someone/logins/config.json")


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("r.io", "r.io"),
        ("R.io", "r.io"),
        ("r.io:5000", "r.io:5000"),
        ("https://r.io", "r.io"),
        ("https://r.io/", "r.io"),
        ("http://r.io/v2/", "r.io"),
        ("r.io/v1", "r.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_a_key_names_a_registry_in_many_ways(write, key, registry):
    assert find_login(registry, write({"auths": {key: READER}})) == LOGIN


@pytest.mark.parametrize(
    "key", ["r.io:5000", "sub.r.io", "r.io.evil.example", "r.io/team", "evil.example/r.io", "", "/"]
)
def test_a_login_for_something_else_is_not_used(write, key):
    assert find_login("r.io", write({"auths": {key: READER}})) is None


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"username": "reader", "password": "pass:word"}, LOGIN),
        ({"auth": encoded("reader:pass:word\0\0")}, LOGIN),
        ({"auth": encoded("<token>:"), "identitytoken": "t"}, Login("<token>", Secret(""), Secret("t"))),
        ({"identitytoken": "t"}, Login(identity_token=Secret("t"))),
        ({}, None),
        ({"auth": ""}, None),
        ({"username": "reader"}, None),
        ({"auth": encoded("reader:")}, None),
    ],
)
def test_an_entry_is_this_login(write, entry, login):
    assert find_login("r.io", write({"auths": {"r.io": entry}})) == login


@pytest.mark.parametrize("config", [{}, {"auths": {}}, {"auths": None}, {"auths": []}, {"credsStore": "desktop"}])
def test_a_file_may_have_no_login(write, config):
    assert find_login("r.io", write(config)) is None


def test_no_file_is_no_login(tmp_path):
    assert find_login("r.io", tmp_path / "config.json") is None
    (tmp_path / "file").touch()
    assert find_login("r.io", tmp_path / "file" / "config.json") is None


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Installs a credential helper `keeper`, a shell script that finds what it reads in $server; its lines are run."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def helper(*lines):
        program = tmp_path / "docker-credential-keeper"
        program.write_text("\n".join(["#!/bin/sh", '[ "$1" = get ] || exit 2', "server=$(cat)", *lines]))
        program.chmod(0o755)

    return helper


@pytest.mark.parametrize(
    ("registry", "server"), [("r.io", "r.io"), ("r.io:5000", "r.io:5000"), ("docker.io", "https://index.docker.io/v1/")]
)
@pytest.mark.parametrize("of_all", [True, False])
def test_a_credential_helper_is_asked_for_the_registry(write, helper, registry, server, of_all):
    helper("""printf '{"ServerURL": "x", "Username": "reader", "Secret": "for %s"}' "$server" """)
    config = {"credsStore": "keeper"} if of_all else {"credsStore": "nowhere", "credHelpers": {registry: "keeper"}}
    assert find_login(registry, write(config)) == Login("reader", Secret(f"for {server}"))


def test_a_helper_may_give_an_identity_token(write, helper):
    helper("""echo '{"Username": "<token>", "Secret": "refresh-me"}'""")
    assert find_login("r.io", write({"credsStore": "keeper"})) == Login(identity_token=Secret("refresh-me"))


@pytest.mark.parametrize(
    "line",
    [
        "echo credentials not found in native keychain; exit 1",
        "echo nonsense",
        "echo []",
        """echo '{"Username": "reader"}'""",
        """echo '{"Username": "reader", "Secret": ""}'""",
        "exec sleep 60",
    ],
)
def test_a_helper_without_an_answer_leaves_what_the_file_says(write, helper, monkeypatch, line):
    monkeypatch.setattr(credential_helpers, "LIMIT", 0.5)
    helper(line)
    assert find_login("r.io", write({"credsStore": "keeper"})) is None
    path = write({"auths": {"r.io": {"username": "reader", "password": "here"}}, "credHelpers": {"r.io": "keeper"}})
    assert find_login("r.io", path) == Login("reader", Secret("here"))


@pytest.mark.parametrize("name", ["nowhere", "", "../keeper", "/bin/true", 7])
def test_a_helper_that_is_none_is_passed_over(write, helper, name):
    helper("""echo '{"Username": "reader", "Secret": "x"}'""")
    assert find_login("r.io", write({"credsStore": name})) is None


@pytest.mark.parametrize("text", ["", "pass:word", "[]", '"pass:word"', "\0", "[" * 100_000])
def test_a_file_that_is_no_configuration_is_told_without_its_text(docker_config, text):
    docker_config.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        find_login("r.io", docker_config)
    assert str(docker_config) in str(caught.value)
    assert "pass:word" not in repr(caught.value)


def test_a_file_that_is_a_directory_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="cannot read Docker's configuration file"):
        find_login("r.io", tmp_path)


@pytest.mark.parametrize(
    "entry",
    [
        "pass:word",
        None,
        {"auth": "pass:word"},
        {"auth": encoded("password")},
        {"auth": base64.b64encode(b"\xff:\xff").decode()},
        {"auth": 7},
        {"username": "a", "password": ["pass:word"]},
        {"identitytoken": "\ud800pass:word"},
    ],
)
def test_an_entry_that_is_not_understood_is_told_without_its_text(write, entry):
    path = write({"auths": {"r.io": entry}})
    with pytest.raises(InvalidInput, match=r"its login for r\.io is not understood") as caught:
        find_login("r.io", path)
    assert "pass" not in repr(caught.value).replace(str(path), "")
    assert find_login("other.io", path) is None


def test_a_login_hides_what_is_secret():
    assert "pass:word" not in repr(LOGIN)


name = st.text(alphabet=st.characters(exclude_characters=":", exclude_categories=["Cs"]), min_size=1)
password = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(name, password)
def test_what_docker_writes_is_read(tmp_path_factory, name, password):
    path = tmp_path_factory.getbasetemp() / "written.json"
    path.write_text(json.dumps({"auths": {"r.io": {"auth": encoded(f"{name}:{password}")}}}))
    assert find_login("r.io", path) == Login(name, Secret(password))
