"""Tries to get into another app's database with this app's own credentials; says what came of it."""

import asyncio
import os
import sys

import asyncpg


async def main() -> None:
    try:
        connection = await asyncpg.connect(os.environ["DATABASE_URL"], database=sys.argv[1])
    except asyncpg.PostgresError as error:
        print(f"refused: {error}")
        return
    await connection.close()
    sys.exit(f"got into {sys.argv[1]}")


asyncio.run(main())
