"""redis-py by itself: a pipeline, a channel, a lock, a script."""

import os

from outcomes import tell
from redis import Redis

prefix = os.environ.get("REDIS_PREFIX", "app:")
redis = Redis.from_url(os.environ["REDIS_URL"], client_name="app")


def use() -> None:
    """A transaction that watches, and a channel."""
    with redis.pipeline() as pipe:
        pipe.watch(f"{prefix}n")
        pipe.multi()
        pipe.incr(f"{prefix}n")
        pipe.execute()
    with redis.pubsub() as listening:
        listening.subscribe(f"{prefix}news")
        redis.publish(f"{prefix}news", "hi")
        heard = [listening.get_message(timeout=10) for _ in range(2)]
    assert heard[1]["data"] == b"hi"


def lock() -> None:
    """Its locks are given back by a script."""
    with redis.lock(f"{prefix}lock", timeout=5):
        pass


tell({"use": use, "lock": lock, "scan": lambda: list(redis.scan_iter(f"{prefix}*"))})
