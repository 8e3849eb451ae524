"""A small server with users: `depot_server.py PORT DIRECTORY PASSWORD_FILE`. The good addon runs it, and so do the broken ones.

`PUT /NAME/KEY` and `GET /NAME/KEY` for the user of that name; `PUT`, `DELETE /users/NAME` and `GET /users/` for `admin`.
"""

import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from urllib.parse import unquote

LOCK = Lock()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    file: Path
    password: str
    isolated = True

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        who, _, password = base64.b64decode(self.headers.get("Authorization", "")[6:]).decode().partition(":")
        _, name, key = map(unquote, self.path.split("/"))
        with LOCK:
            state = json.loads(self.file.read_text()) if self.file.exists() else {}
            if name == "users" and (who, password) == ("admin", self.password):
                self.administer(state, key, body)
            elif state.get(who, {}).get("password") == password and (who == name or not self.isolated):
                self.serve(state, state.get(name, {"values": {}})["values"], key, body)
            else:
                self.answer(401)

    do_GET = do_PUT = do_DELETE = handle_request  # noqa: N815 - the names that the library calls

    def administer(self, state, name, body):
        if self.command == "PUT":
            state.setdefault(name, {"values": {}})["password"] = body
        if self.command == "DELETE":
            found = state.pop(name, None)
            self.keep(state)
            return self.answer(204 if found else 404)
        self.keep(state)
        return self.answer(200, json.dumps(sorted(state)).encode())

    def serve(self, state, values, key, body):
        if self.command == "PUT":
            values[key] = body
            self.keep(state)
        self.answer(200 if key in values else 404, values.get(key, "").encode())

    def keep(self, state):
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps(state))
        draft.replace(self.file)

    def answer(self, status, content=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    Handler.file = Path(sys.argv[2]) / "state"
    Handler.password = Path(sys.argv[3]).read_text()
    if "--forget" in sys.argv:
        Handler.file.unlink(missing_ok=True)
    if "--say" in sys.argv:
        print("the password is", Handler.password, flush=True)  # noqa: T201 - this is what is wrong with it
    Handler.isolated = "--open" not in sys.argv
    os.umask(0o077)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
