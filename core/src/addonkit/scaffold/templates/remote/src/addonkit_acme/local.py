"""A service to try the addon out with: `python -m addonkit_acme.local [PORT]` serves until SIGTERM or Ctrl-C.

It listens on loopback, on a free port when none is given, and prints the settings that lead to it. An administrator
makes and removes accounts (`PUT`, `DELETE /accounts/NAME`, `GET /accounts`); an account keeps values under keys (`PUT`,
`GET /data/NAME/KEY`). Everything is in memory.
"""

import base64
import secrets
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = secrets.token_urlsafe(24)

passwords: dict[str, str] = {}
values: dict[tuple[str, str], bytes] = {}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def handle_request(self) -> None:
        """Find out what is asked, and whether it is allowed."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what, *rest = self.path.strip("/").split("/")
        if what == "accounts" and self.headers.get("Authorization") == f"Bearer {TOKEN}":
            self.answer_administrator("".join(rest), content)
        elif what == "data" and len(rest) == 2 and self.is_owner(rest[0]):
            self.answer_owner((rest[0], rest[1]), content)
        else:
            self.answer(401)

    do_GET = do_PUT = do_DELETE = handle_request

    def answer_administrator(self, name: str, content: bytes) -> None:
        """Accounts."""
        if self.command == "DELETE" and name not in passwords:
            self.answer(404)
            return
        if self.command == "PUT":
            passwords[name] = content.decode()
        elif self.command == "DELETE":
            del passwords[name]
            for place in [place for place in values if place[0] == name]:
                del values[place]
        self.answer(200, "\n".join(passwords).encode() if self.command == "GET" else b"")

    def answer_owner(self, place: tuple[str, str], content: bytes) -> None:
        """Values."""
        if self.command == "PUT":
            values[place] = content
        self.answer(200 if place in values else 404, values.get(place, b""))

    def is_owner(self, name: str) -> bool:
        """Whether the request carries that account's password."""
        login = base64.b64encode(f"{name}:{passwords.get(name)}".encode()).decode()
        return name in passwords and self.headers.get("Authorization") == f"Basic {login}"

    def answer(self, status: int, content: bytes = b"") -> None:
        """Write a whole answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 0), Handler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    print(f"ADDONKIT_ACME_ENDPOINT=http://127.0.0.1:{server.server_port}", f"ADDONKIT_ACME_TOKEN={TOKEN}", sep="\n")
    sys.stdout.flush()
    server.serve_forever()
