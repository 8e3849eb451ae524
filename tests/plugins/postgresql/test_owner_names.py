"""Statements of a dump get the name of the new owner, and nothing else of it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit_postgresql.owner_names import renamed, with_owner


@pytest.mark.parametrize(
    ("kind", "statements", "expected"),
    [
        ("ACL", "REVOKE ALL ON TABLE public.shop FROM shop;", 'REVOKE ALL ON TABLE public.shop FROM "new";'),
        (
            "ACL",
            'GRANT SELECT(shop) ON TABLE "x TO shop" TO a,shop,b WITH GRANT OPTION;',
            'GRANT SELECT(shop) ON TABLE "x TO shop" TO a,"new",b WITH GRANT OPTION;',
        ),
        ("ACL", 'GRANT ALL ON SCHEMA shop TO "shop";', 'GRANT ALL ON SCHEMA shop TO "new";'),
        (
            "DEFAULT ACL",
            "ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA shop GRANT SELECT ON TABLES TO shop;",
            'ALTER DEFAULT PRIVILEGES FOR ROLE "new" IN SCHEMA shop GRANT SELECT ON TABLES TO "new";',
        ),
        (
            "POLICY",
            "CREATE POLICY shop ON public.shop FOR SELECT TO shop USING ((a IN (SELECT shop.a FROM shop)));",
            'CREATE POLICY shop ON public.shop FOR SELECT TO "new" USING ((a IN (SELECT shop.a FROM shop)));',
        ),
        ("USER MAPPING", "CREATE USER MAPPING FOR shop SERVER shop;", 'CREATE USER MAPPING FOR "new" SERVER shop;'),
        ("ACL", "GRANT SELECT ON TABLE public.shop TO shopper;", "GRANT SELECT ON TABLE public.shop TO shopper;"),
    ],
)
def test_only_roles_are_renamed(kind: str, statements: str, expected: str) -> None:
    assert renamed(statements, kind, "shop", "new") == expected


@given(st.binary(max_size=60) | st.binary(max_size=60).map(b"PGDMP".__add__), st.integers(1, 9))
async def test_what_is_no_dump_passes_as_it_is(content: bytes, size: int) -> None:
    async def chunks():
        for start in range(0, len(content), size):
            yield content[start : start + size]

    assert b"".join([each async for each in with_owner(chunks(), "new")]) == content
