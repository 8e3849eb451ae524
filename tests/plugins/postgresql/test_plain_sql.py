"""Of plain SQL, what is of its origin alone is left out; what is quoted is never taken for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from addonkit import BackupError
from addonkit_postgresql.plain_sql import cleaned

HEAD = "--\n-- PostgreSQL database dump\n--\n\n"
END = "\n--\n-- PostgreSQL database dump complete\n--\n\n"

KEPT = r"""CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $_$
GRANT ALL ON TABLE a TO b;
ALTER TABLE a OWNER TO b;
\! touch /tmp/never
$_$;
CREATE TABLE public.t (a text DEFAULT 'it''s
GRANT ALL ON TABLE a TO b;
', "b
REVOKE ALL ON TABLE a FROM b;
" int /* '
ALTER TABLE a OWNER TO b;
*/);
COMMENT ON TABLE public.t IS E'\'
GRANT x TO y;
';
COPY public.t (a, b) FROM stdin;
GRANT ALL ON TABLE a TO b;
\restrict
\N	$$
\.
CREATE VIEW public.v AS
GRANT_is_no_keyword;
"""

LEFT_OUT = r"""\restrict abc
ALTER TABLE public.t OWNER TO alice;
ALTER FUNCTION public.f() OWNER TO alice;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT SELECT ON TABLE public.t TO bob;
SET default_tablespace = fast;
CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = 's');
ALTER DEFAULT PRIVILEGES FOR ROLE alice IN SCHEMA public GRANT SELECT ON TABLES TO bob;
\unrestrict abc
"""


async def clean(text: str, size: int = 7) -> str:
    content = text.encode()

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), size):
            yield content[begin : begin + size]

    taken = b"".join([chunk async for chunk in cleaned(chunks(), "token")]).decode()
    begin, _, rest = taken.partition("\n")
    assert begin == "\\restrict token", "psql takes no command but the one that ends this"
    return rest


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_only_what_is_of_the_origin_is_left_out(size: int) -> None:
    assert await clean(HEAD + KEPT + LEFT_OUT + KEPT + END, size) == HEAD + KEPT + KEPT + END


async def test_what_is_cut_or_holds_commands_is_refused() -> None:
    with pytest.raises(BackupError, match="the dump is cut"):
        await clean(HEAD + KEPT)
    with pytest.raises(BackupError, match=r"it has a command of psql: \\! touch"):
        await clean("SELECT 1;\n\\! touch /tmp/never\n")
    for text, told in (("SELECT 'a", "a quoted text"), ("COPY public.a (n) FROM stdin;\n1\n", "the rows of a table")):
        with pytest.raises(BackupError, match=f"ends in the middle of {told}"):
            await clean(text)
    assert await clean("SELECT 1;\nSELECT 2;\n-- end") == "SELECT 1;\nSELECT 2;\n-- end\n"
    assert await clean("SELECT 1;\nSELECT 2") == "SELECT 1;\nSELECT 2\n\n;\n", "closed, as another statement follows"
