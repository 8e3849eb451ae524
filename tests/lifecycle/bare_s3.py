"""An S3 service that does not keep apps apart: moto alone. Serves until stdin ends.

Usage: bare_s3.py LETTING
`LETTING` is how many requests it lets through before keys count: after these it judges policies but not their
conditions. With `inf` it judges nothing.
"""

from __future__ import annotations

import os
import sys

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = sys.argv[1]

import logging

from moto.server import ThreadedMotoServer

from addonkit_s3_remote.local.backends import operator
from addonkit_s3_remote.local.settings import as_lines

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
key = operator()
endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
settings = {"endpoint": endpoint, "allow_http": "true", "access_key": key.id, "secret_key": key.secret}
sys.stdout.write(f"{as_lines(settings)}\n")
sys.stdout.flush()
sys.stdin.read()
