"""A small server: `PUT /key` keeps a value in a file, `GET /key` gives it. A request without the password is refused.

Started as `server.py PORT DIRECTORY PASSWORD_FILE LONGEST_VALUE`.
"""

import base64
import hmac
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """One request."""

    directory: Path
    password: str
    longest: int

    def do_GET(self) -> None:
        """Give a value."""
        if self.is_allowed():
            found = self.file()
            self.answer(200, found.read_bytes()) if found.is_file() else self.answer(404)

    def do_PUT(self) -> None:
        """Keep a value: whole, and on the disk before it is confirmed."""
        size = int(self.headers.get("Content-Length", "0"))
        if self.is_allowed() and size > self.longest:
            self.answer(413)
        elif self.is_allowed():
            content = self.rfile.read(size)
            draft = self.file().with_suffix(".draft")
            with draft.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self.file())
            self.answer(204)

    def file(self) -> Path:
        """Where the value of the path is kept; its name is the path's in hexadecimal."""
        return self.directory / f"value-{self.path[1:].encode().hex()}"

    def is_allowed(self) -> bool:
        """Whether the request carries the password; otherwise it is answered."""
        told = self.headers.get("Authorization", "").removeprefix("Basic ")
        wanted = base64.b64encode(f"app:{self.password}".encode()).decode()
        allowed = hmac.compare_digest(told.encode(), wanted.encode())
        if not allowed:
            self.answer(401)
        return allowed

    def answer(self, status: int, content: bytes = b"") -> None:
        """Write a whole answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Longest-Value", str(self.longest))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    Handler.directory = Path(sys.argv[2])
    Handler.password = Path(sys.argv[3]).read_text(encoding="utf-8")
    Handler.longest = int(sys.argv[4])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
