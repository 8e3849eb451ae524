"""URLs that lead to a place on a server."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit import ConnectionInfo, Secret

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


def url_of(host: str, port: int, user: str, password: str, path: str) -> str:
    return ConnectionInfo(host, port, "", Secret(password), shared=False).url("postgres", user=user, path=path).reveal()


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        (
            ("host.example.com", 5432, "user", "pass", "dbname"),
            "postgres://user:pass@host.example.com:5432/dbname",
        ),
        (("10.10.0.196", 5432, "u", "p@ss:w/rd", "db"), "postgres://u:p%40ss%3Aw%2Frd@10.10.0.196:5432/db"),
        (("fd00::1", 5432, "u", "p", "db"), "postgres://u:p@[fd00::1]:5432/db"),
        (("h", 1, "a b", "100%", "x/y?z#"), "postgres://a%20b:100%25@h:1/x%2Fy%3Fz%23"),
        (("h", 1, "u", "aZ0-_.~", "d"), "postgres://u:aZ0-_.~@h:1/d"),
        (("h", 1, "", "p", ""), "postgres://:p@h:1"),
    ],
)
def test_a_url_is_encoded_part_by_part(parts: tuple[str, int, str, str, str], url: str) -> None:
    assert url_of(*parts) == url


@given(user=TEXT, password=TEXT, path=TEXT, port=st.integers(1, 65535), host=st.sampled_from(["h.example", "::1"]))
def test_what_went_into_a_url_comes_out_of_it(user: str, password: str, path: str, port: int, host: str) -> None:
    url = urlsplit(url_of(host, port, user, password, path))

    assert (url.hostname, url.port) == (host, port)
    assert [unquote(part or "") for part in (url.username, url.password, url.path[1:])] == [user, password, path]


def test_a_url_with_a_password_is_a_secret() -> None:
    assert "hidden" not in repr(ConnectionInfo("h", 1, "", Secret("hidden"), shared=False).url("redis"))
