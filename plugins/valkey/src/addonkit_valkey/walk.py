"""Reads all keys of a database, a few at once and each in one moment, while apps go on writing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit_valkey.digests import Value
from addonkit_valkey.seen import Seen

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

    from addonkit_valkey.resp import Command

_BATCH: Final = 250
"""Keys asked for in one round trip."""

_BUDGET: Final = 1024 * 1024
"""Bytes of dumps after which a batch ends: a larger value is one alone."""

_READ: Final = """\
local found, left, fields_expire, dumps = {}, tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3] == '1'
local read = {
  string = function(key) return redis.call('GET', key) end,
  list = function(key) return redis.call('LRANGE', key, 0, -1) end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
  hash = function(key) return redis.call('HGETALL', key) end,
  stream = function(key) return redis.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0) end,
}
local function expiries(key, pairs)
  local all, some = {}, false
  for first = 1, #pairs, 2000 do
    local names = {}
    for at = first, math.min(first + 1999, #pairs), 2 do names[#names + 1] = pairs[at] end
    for _, each in ipairs(redis.call('HPEXPIRETIME', key, 'FIELDS', #names, unpack(names))) do
      all[#all + 1] = each
      some = some or each >= 0
    end
  end
  return some and all or {}
end
for index, key in ipairs(KEYS) do
  local dump = redis.call('DUMP', key)
  if not dump then
    found[index] = {}
  else
    local type = redis.call('TYPE', key).ok
    local value = read[type] and read[type](key) or dump
    local fields = type == 'hash' and fields_expire and expiries(key, value) or {}
    found[index] = {type, redis.call('PEXPIRETIME', key), value, fields, dumps and dump or ''}
    left = left - #dump
    if left <= 0 then break end
  end
end
return found
"""


@attrs.frozen
class Dumped:
    """A key, and its value as `RESTORE` takes it; empty when that was not asked for."""

    value: Value
    dump: bytes


class Wire:
    """Commands and their answers as the server gives them, over the connection of a session."""

    def __init__(self, client: Valkey) -> None:
        self._client = client

    async def run(self, *words: bytes | str | int) -> Any:
        """Run a command."""
        return (await self.run_all([words]))[0]

    async def run_all(self, commands: Sequence[Command | tuple[bytes | str | int, ...]]) -> list[Any]:
        """Send commands together; raises what the first that fails says, once all are answered."""
        from valkey.exceptions import ResponseError

        connection: Any = (await self._client.initialize()).connection
        await connection.send_packed_command(connection.pack_commands(commands))
        found: list[Any] = []
        failed: ResponseError | None = None
        for _ in commands:
            try:
                found.append(await connection.read_response())
            except ResponseError as error:
                failed = failed or error
        if failed:
            raise failed
        return found


async def walk(wire: Wire, prefix: bytes, *, dumps: bool) -> AsyncIterator[Dumped]:
    """Yield every key under a prefix in the database that is selected, once, each as it is in one moment.

    What is there from the beginning to the end is found; what comes or goes meanwhile may be.
    """
    seen = Seen()
    fields_expire = bool((await wire.run("COMMAND", "INFO", "HPEXPIRETIME"))[0])
    script = await wire.run("SCRIPT", "LOAD", _READ)
    cursor = b"0"
    while True:
        cursor, keys = await wire.run("SCAN", cursor, "MATCH", _pattern(prefix), "COUNT", _BATCH)
        while keys:
            flags = (_BUDGET, int(fields_expire), int(dumps))
            found = await wire.run("EVALSHA", script, len(keys), *keys, *flags)
            for key, each in zip(keys, found, strict=False):
                if each and seen.add(key):
                    kind, expires, content, fields, dump = each
                    yield Dumped(Value(key.removeprefix(prefix), kind, expires, content, fields), dump)
            keys = keys[len(found) :]
        if cursor == b"0":
            return


def _pattern(prefix: bytes) -> bytes:
    return prefix + b"*"
