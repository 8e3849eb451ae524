"""A task of Celery, carried out by a worker; the prefix is set where there is one."""

import os
import subprocess
import sys
import time
from pathlib import Path

from celery import Celery
from outcomes import tell

URL, PREFIX = os.environ["REDIS_URL"], os.environ.get("REDIS_PREFIX")
app = Celery("celery_client", broker=URL, backend=URL)
if PREFIX:
    app.conf.broker_transport_options = {"global_keyprefix": PREFIX}
    app.conf.result_backend_transport_options = {"global_keyprefix": PREFIX}


@app.task(name="add")
def add(one: int, other: int) -> int:
    """Add."""
    return one + other


def work() -> None:
    """Send a task and have it done; a worker that may not work ends by itself and says why."""
    options = ["--pool=solo", "--loglevel=error", "--without-gossip", "--without-mingle"]
    worker = [sys.executable, "-m", "celery", "-A", "celery_client", "worker", *options]
    with subprocess.Popen(worker, cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        try:
            result = add.delay(2, 3)
            deadline = time.monotonic() + 40
            while not result.ready() and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            if run.poll() is not None and run.stdout:
                raise RuntimeError(run.stdout.read().decode())
            assert result.result == 5
        finally:
            run.kill()


if __name__ == "__main__":
    tell({"task": work})
