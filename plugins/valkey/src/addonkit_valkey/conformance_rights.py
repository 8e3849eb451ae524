"""Commands that an app may run on its server, and others that it may not. For the conformance kit.

`{key}` stands for a key of the app, `{prefix}` for what its keys begin with. Each command that is refused here would do
no harm if it were not.
"""

from __future__ import annotations

from typing import Final

ALLOWED: Final = (
    *("SET {key} 1", "APPEND {key} 1", "HSET {key}h a 1", "LPUSH {key}l 1", "SADD {key}s 1", "ZADD {key}z 1 a"),
    *("XADD {key}x * a 1", "SETBIT {key}b 1 1", "PFADD {key}p 1", "GEOADD {key}g 1 1 a"),
    *("COPY {key} {key}2", "EXISTS {key}", "EXPIRE {key} 60", "EXPIREAT {key} 2000000000", "EXPIRETIME {key}"),
    *("PERSIST {key}", "PEXPIRE {key} 60000", "PEXPIREAT {key} 2000000000000", "PEXPIRETIME {key}", "PTTL {key}"),
    *("TTL {key}", "TYPE {key}", "DUMP {key}", "TOUCH {key}", "MEMORY USAGE {key}", "OBJECT ENCODING {key}"),
    *("RENAME {key} {key}3", "RENAMENX {key}3 {key}4", "UNLINK {key}4", "DEL {key}2", "MOVE {key} 0"),
    *("PUBLISH {key} 1", "SUBSCRIBE {key}", "PSUBSCRIBE {prefix}*", "UNSUBSCRIBE {key}", "PUNSUBSCRIBE {key}"),
    *("SPUBLISH {key} 1", "SSUBSCRIBE {key}", "SUNSUBSCRIBE {key}"),
    *("WATCH {key}", "UNWATCH", "MULTI", "EXEC", "DISCARD"),
    *("ECHO 1", "HELLO", "PING", "RESET", "SELECT 0", "TIME", "WAIT 0 1", "COMMAND COUNT", "ACL WHOAMI"),
    *("CLIENT GETNAME", "CLIENT ID", "CLIENT INFO", "CLIENT REPLY ON", "CLIENT SETNAME kit"),
    *("CLIENT CAPA redirect", "CLIENT NO-TOUCH OFF", "CLIENT SETINFO LIB-NAME kit", "WAITAOF 0 0 1"),
)
"""For every app."""

REFUSED: Final = (
    *("CONFIG SET maxclients 10000", "CONFIG REWRITE", "ACL LIST", "ACL SETUSER kit-rights off", "ACL SAVE"),
    *("SHUTDOWN ABORT", "REPLICAOF NO ONE", "FAILOVER ABORT", "MODULE LIST", "CLUSTER FLUSHSLOTS"),
)
"""For every app: with one of them it could open the server to the network, or lock addonkit out."""

OWNER: Final = (
    *("KEYS {key}*", "SCAN 0", "DBSIZE", "INFO server", "EVAL 'return 1' 0", "FUNCTION LIST", "SORT {key}l"),
    *("CONFIG GET maxmemory", "CONFIG RESETSTAT", "CLIENT LIST", "CLIENT KILL ID 999999999", "CLIENT NO-EVICT OFF"),
    *("CLIENT PAUSE 0", "CLIENT UNBLOCK 999999999", "CLIENT UNPAUSE", "MONITOR", "SLOWLOG LEN", "LATENCY LATEST"),
    "COMMANDLOG LEN slow",
    *("LASTSAVE", "ROLE", "FLUSHDB", "SWAPDB 0 1"),
)
"""For the only app of a server; one of several must not: it would see others, stop them, or take their data."""

SAVES: Final = ("SAVE", "BGSAVE", "BGREWRITEAOF")
"""For the only app of a server that keeps data on a disk."""

OTHERS: Final = ("GET kit-rights-of-another", "SET kit-rights-of-another 1", "SUBSCRIBE kit-rights-of-another")
"""Keys and channels outside of an app's prefix."""

READS: Final = ("GET {key}", "EXISTS {key}", "TTL {key}", "HGETALL {key}h", "SUBSCRIBE {key}", "PSUBSCRIBE {prefix}*")
"""For an app that reads only."""

CHANGES: Final = (
    *("SET {key} 1", "DEL {key}", "EXPIRE {key} 60", "LPUSH {key}l 1", "PUBLISH {key} 1", "SPUBLISH {key} 1"),
    *("CONFIG RESETSTAT", "CLIENT KILL ID 999999999", "CLIENT PAUSE 0", "CLIENT UNBLOCK 999999999", "CLIENT UNPAUSE"),
    *("CLIENT NO-EVICT OFF", "SWAPDB 0 1", "FUNCTION FLUSH", *SAVES),
)
"""What such an app must not do."""
