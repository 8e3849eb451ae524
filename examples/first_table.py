"""An app: it knows DATABASE_URL and nothing of addonkit.

Writes a row into a table of its own and reads all of them back.
"""

import asyncio
import os

import asyncpg


async def main() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute("CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())")
    await connection.execute("INSERT INTO visits DEFAULT VALUES")
    count = await connection.fetchval("SELECT count(*) FROM visits")
    name = await connection.fetchval("SELECT current_database()")
    print(f"database {name}: {count} visit{'s' if count > 1 else ''}")
    await connection.close()


asyncio.run(main())
