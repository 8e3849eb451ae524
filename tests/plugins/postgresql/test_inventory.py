"""What a dump holds is counted from its SQL, and what did not arrive is named."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from addonkit_postgresql.inventory import Inventory

DUMP = """
-- Name: orders; Type: TABLE; Schema: public; Owner: shop
CREATE TABLE public.orders (id int);
-- Name: ids; Type: SEQUENCE; Schema: public; Owner: shop
-- Name: other; Type: SCHEMA; Schema: -; Owner: shop
-- Name: public; Type: SCHEMA; Schema: -; Owner: shop
COPY public.orders (id) FROM stdin;
1
SELECT pg_catalog.lo_open('1', 131072);
\\.
SELECT pg_catalog.lo_open('4711', 131072);
SELECT pg_catalog.setval('public.ids', 7, true);
"""

OBJECTS = (("TABLE", "public", "orders"), ("SEQUENCE", "public", "ids"), ("SCHEMA", "-", "other"))


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_all_that_is_missing_is_named(size: int) -> None:
    async def text() -> AsyncIterator[bytes]:
        for place in range(0, len(DUMP), size):
            yield DUMP.encode()[place : place + size]

    dumped = Inventory()
    await dumped.read(text())

    assert dumped.differences(OBJECTS, {"public.orders": 2}, {"public.ids": (7, True)}, 1) == ()
    assert dumped.differences((), {}, {"public.ids": (9, True)}, 0) == (
        "schema other is missing",
        "sequence public.ids is missing",
        "table public.orders is missing",
        "table public.orders is missing, with 2 rows",
        "sequence public.ids: 9 instead of 7",
        "0 large objects instead of 1",
    )
    assert dumped.differences(OBJECTS, {"public.orders": 2}, {"public.ids": (7, False)}, 1) == (
        "sequence public.ids: 7 is still to come instead of given out already",
    )
    assert dumped.differences(OBJECTS, {"public.orders": 1}, {}, 1) == ("table public.orders: 1 rows instead of 2",)
