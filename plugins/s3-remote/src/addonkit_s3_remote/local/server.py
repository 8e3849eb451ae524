"""The service: moto behind a gate, in a thread of this process."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import Any

from moto import settings as moto_settings
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from addonkit import AddonkitError
from addonkit_s3_remote.local.backends import operator
from addonkit_s3_remote.local.gate import Gate
from addonkit_s3_remote.local.state import kept

HOST = "127.0.0.1"


@contextmanager
def serving(port: int, state: Path | None) -> Iterator[Mapping[str, str]]:
    """Serve until the block ends; give the settings that lead here.

    Args:
        port: to listen on; 0 takes a free one.
        state: file that keeps everything; None keeps nothing.

    Raises:
        AddonkitError: when the port is taken or the state cannot be used.
    """
    moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0  # every request needs a key, from the first one on
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    changed = Event()
    with _listening(port) as listener, kept(state, changed) if state else nullcontext():
        key = operator()
        endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
        gate = Gate(DomainDispatcherApplication(create_backend_app), changed)
        with _threaded(listener, gate):
            yield {"endpoint": endpoint, "allow_http": "true", "access_key": key.id, "secret_key": key.secret}


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise AddonkitError(
            f"serving S3 on {HOST}:{port}", os.strerror(error.errno or 0), "take another port with --port"
        ) from error
    with listener:
        yield listener


@contextmanager
def _threaded(listener: socket.socket, app: Any) -> Iterator[None]:
    server = make_server(
        HOST,
        listener.getsockname()[1],
        app,
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listener.fileno(),
    )
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
