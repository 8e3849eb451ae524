"""The variables an app receives."""

from __future__ import annotations

from addonkit import ConnectionInfo, Secret
from addonkit_postgresql.variables import variables


def test_there_are_six_in_order_and_two_are_secret() -> None:
    password = Secret.generate()

    given = variables(ConnectionInfo("127.0.0.1", 5432, "shop", password, shared=True))

    assert {v.key: v.text for v in given} == {
        "DATABASE_URL": f"postgresql://shop:{password.reveal()}@127.0.0.1:5432/shop",
        "PGHOST": "127.0.0.1",
        "PGPORT": "5432",
        "PGUSER": "shop",
        "PGPASSWORD": password.reveal(),
        "PGDATABASE": "shop",
        "PGSSLMODE": "disable",
        "PGREQUIREAUTH": "scram-sha-256",
    }
    assert [v.key for v in given] == [
        "DATABASE_URL",
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGPASSWORD",
        "PGDATABASE",
        "PGSSLMODE",
        "PGREQUIREAUTH",
    ]
    assert {v.key for v in given if v.sensitive} == {"DATABASE_URL", "PGPASSWORD"}
    assert password.reveal() not in repr(given)


def test_a_socket_stands_in_the_place_of_host_and_port() -> None:
    access = ConnectionInfo("127.0.0.1", 5432, "shop", Secret("word"), shared=True, socket="/run/a b/.s.PGSQL.5432")

    given = {v.key: v.text for v in variables(access)}

    assert given["DATABASE_URL"] == "postgresql://shop:word@/shop?host=/run/a%20b&port=5432"
    assert (given["PGHOST"], given["PGPORT"], given["PGSSLMODE"]) == ("/run/a b", "5432", "disable")


def test_a_server_with_a_certificate_is_verified() -> None:
    access = ConnectionInfo("db.example", 5432, "shop", Secret("word"), shared=True, ca_file="/etc/ca file.pem")

    given = {v.key: v.text for v in variables(access)}

    verified = "sslmode=verify-full&sslrootcert=/etc/ca%20file.pem"
    assert given["DATABASE_URL"] == f"postgresql://shop:word@db.example:5432/shop?{verified}"
    assert (given["PGSSLMODE"], given["PGSSLROOTCERT"]) == ("verify-full", "/etc/ca file.pem")
