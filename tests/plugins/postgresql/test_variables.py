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
