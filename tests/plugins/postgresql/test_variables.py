"""The variables an app receives."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit import Secret
from addonkit_postgresql.variables import database_url, variables

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


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
    ],
)
def test_a_url_is_encoded_part_by_part(parts: tuple[str, int, str, str, str], url: str) -> None:
    assert database_url(*parts) == url


@given(user=TEXT, password=TEXT, database=TEXT, port=st.integers(1, 65535), host=st.sampled_from(["h.example", "::1"]))
def test_what_went_into_a_url_comes_out_of_it(user: str, password: str, database: str, port: int, host: str) -> None:
    url = urlsplit(database_url(host, port, user, password, database))

    assert (url.hostname, url.port) == (host, port)
    assert [unquote(part or "") for part in (url.username, url.password, url.path[1:])] == [user, password, database]


def test_there_are_six_in_order_and_two_are_secret() -> None:
    password = Secret.generate()

    given_ = variables("127.0.0.1", 5432, "shop", password, "shop_db")

    assert {v.key: v.text for v in given_} == {
        "DATABASE_URL": f"postgres://shop:{password.reveal()}@127.0.0.1:5432/shop_db",
        "PGHOST": "127.0.0.1",
        "PGPORT": "5432",
        "PGUSER": "shop",
        "PGPASSWORD": password.reveal(),
        "PGDATABASE": "shop_db",
    }
    assert [v.key for v in given_] == ["DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"]
    assert {v.key for v in given_ if v.sensitive} == {"DATABASE_URL", "PGPASSWORD"}
    assert password.reveal() not in repr(given_)
