"""A job of RQ, carried out by a worker."""

import os

from outcomes import tell
from redis import Redis
from rq import Queue, SimpleWorker

redis = Redis.from_url(os.environ["REDIS_URL"])


def work() -> None:
    """Send a job and do it."""
    queue = Queue(connection=redis)
    job = queue.enqueue(len, "abc")
    SimpleWorker([queue], connection=redis).work(burst=True, logging_level="CRITICAL")
    assert job.return_value() == 3


tell({"job": work})
