"""What Docker Compose asks a Docker daemon before and after it runs a provider: a machine without containers.

Compose itself is real; it only wants to know that there is nothing yet. What it asks to be created is noted.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, Final

VERSION: Final = "1.48"

_ID: Final = "c" * 64

_EMPTY: Final[dict[str, Any]] = {
    "/_ping": "OK",
    "/version": {"Version": "28.0.0", "ApiVersion": VERSION, "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"},
    "/info": {"OSType": "linux"},
    "/containers/json": [],
    "/networks": [],
    "/volumes": {"Volumes": []},
    "/images/web/json": {"Id": "sha256:" + "0" * 64, "Os": "linux", "Config": {}},
    "/containers/create": {"Id": _ID, "Warnings": []},
    f"/containers/{_ID}/json": {
        "Id": _ID,
        "Name": "/shop-web-1",
        "State": {"Status": "created"},
        "Config": {"Labels": {}},
        "HostConfig": {},
        "NetworkSettings": {"Networks": {}},
    },
}


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = re.sub(r"^/v1\.\d+|\?.*$", "", self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = _EMPTY.get(path)
        if path == "/containers/create":
            self.server.created.append(json.loads(body))
        given = json.dumps({"message": f"no such thing: {path}"} if found is None else found).encode()
        made = HTTPStatus.CREATED if path == "/containers/create" else HTTPStatus.OK
        self.send_response(HTTPStatus.NOT_FOUND if found is None else made)
        self.send_header("Api-Version", VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(given)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(given)

    do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - names of the standard library

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Asked)
        self.created: list[dict[str, Any]] = []


@contextmanager
def docker_daemon(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Answer at a Unix socket; yield what was asked to be created."""
    with _Server(path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.created
        finally:
            server.shutdown()
