"""A guest book: a small aiohttp app that knows DATABASE_URL, and nothing of addonkit.

addonkit create postgresql -a guestbook
addonkit run -a guestbook -- python guestbook.py
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping

import asyncpg
from aiohttp import web

POOL = web.AppKey("pool", asyncpg.Pool)

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    text text NOT NULL
)
"""


async def migrate(environ: Mapping[str, str]) -> None:
    """Make the tables, where there are none."""
    connection = await asyncpg.connect(environ["DATABASE_URL"])
    await connection.execute(SCHEMA)
    await connection.close()


async def show(request: web.Request) -> web.Response:
    rows = await request.app[POOL].fetch("SELECT name, text FROM entries ORDER BY id")
    return web.json_response([dict(row) for row in rows])


async def sign(request: web.Request) -> web.Response:
    entry = await request.json()
    try:
        await request.app[POOL].execute(
            "INSERT INTO entries (name, text) VALUES ($1, $2)", entry["name"], entry["text"]
        )
    except asyncpg.CheckViolationError:
        raise web.HTTPBadRequest(text="a guest has a name") from None
    return web.json_response(entry, status=201)


async def connected(app: web.Application) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1) as app[POOL]:
        yield


def make_app() -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/", show), web.post("/", sign)])
    app.cleanup_ctx.append(connected)
    return app


if __name__ == "__main__":
    asyncio.run(migrate(os.environ))
    web.run_app(make_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
