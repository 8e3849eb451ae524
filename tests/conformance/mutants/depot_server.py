"""A small server with users: `depot_server.py PORT DIRECTORY PASSWORD_FILE`. The good addon runs it, and so do the broken ones.

`PUT /NAME/KEY`, `GET /NAME/KEY` and `GET /NAME/` for the user of that name, and for users named `NAME+ANYTHING`;
`PUT`, `DELETE /users/NAME` and `GET /users/` for `admin`.
"""

import base64
import json
import os
import signal
import socket
import ssl
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import ClassVar
from urllib.parse import unquote

LOCK = Lock()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    file: Path
    password: str
    isolated = True
    closed = True
    spied = False
    options: tuple[str, ...] = ()
    protocol_version = "HTTP/1.1"
    recent: ClassVar[list[str]] = []
    sessions: ClassVar[Counter[str]] = Counter()
    most = 0
    user = ""
    trusted = ""

    def handle(self):
        try:
            super().handle()
        finally:
            if self.user:
                self.sessions[self.user] -= 1

    def enters(self, who):
        """Whether a user has a session left, which is one connection."""
        if self.user or self.headers.get("Connection") == "close" or self.most == 0:
            return True
        if self.sessions[who] >= self.most and "--any-number" not in self.options:
            return False
        self.user = who
        self.sessions[who] += 1
        return True

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        who, _, password = base64.b64decode(self.headers.get("Authorization", "")[6:]).decode().partition(":")
        _, name, key = map(unquote, self.path.split("/"))
        self.recent.append(self.path)
        with LOCK:
            state = json.loads(self.file.read_text()) if self.file.exists() else {}
            if name == "users" and (who, password) == ("admin", self.password):
                self.administer(state, key, body)
            elif name == "facts" and self.knows(state, who, password):
                most = state.get(who, {}).get("sessions", self.most)
                self.answer(200, json.dumps({"sessions": str(most)} if most else {}).encode())
            elif f"--{name}-for-all" in self.options and self.knows(state, who, password):
                self.answer(200, json.dumps(self.recent if name == "recent" else sorted(state)).encode())
            elif self.knows(state, who, password) and not self.enters(who):
                self.answer(503)
            elif (
                "--keep-sessions" in self.options
                and self.user
                and who == self.trusted
                and name == who.partition("+")[0]
            ):
                self.serve(state, state.get(name, {"values": {}})["values"], key, body)
            elif self.knows(state, who, password) and self.allows(who.partition("+")[0], name):
                place = self.place_of(state, name)
                self.trusted = who
                self.serve(state, state.get(place, {"values": {}})["values"], key, body)
            else:
                self.answer(401)

    def knows(self, state, who, password):
        right = state.get(who, {}).get("password")
        if "--root" in self.options and (who, password) == ("root", ""):
            return True
        if right is None or "--any-password" in self.options:
            return right is not None
        if "--any-secret" in self.options:
            return password in [each["password"] for each in state.values()]
        if "--eight" in self.options:
            return right[:8] == password[:8]
        if "--any-case" in self.options:
            return right.lower() == password.lower()
        return password in {right, state[who].get("former")}

    def place_of(self, state, name):
        if "--cut" in self.options:
            return min((each for each in state if each[:16] == name[:16]), default=name)
        return name

    def allows(self, place, name):
        if "--root" in self.options and place == "root":
            return True
        if "--beginning" in self.options:
            return name.startswith(place)
        if "--pattern" in self.options and len(place) == len(name):
            return all(a in {b, "_"} for a, b in zip(place, name, strict=True))
        return place == name or not self.isolated or (self.command == "PUT" and not self.closed)

    do_GET = do_PUT = do_DELETE = handle_request  # noqa: N815 - the names that the library calls

    def administer(self, state, name, body):
        if name.endswith("=values"):
            user = state.get(name.removesuffix("=values"), {})
            if self.command == "PUT":
                user["values"] = json.loads(body)
                self.keep(state)
            return self.answer(200, json.dumps(user.get("values", {})).encode())
        if name.endswith("=sessions"):
            state[name.removesuffix("=sessions")]["sessions"] = int(body)
        elif name.endswith("=password"):
            user = state[name.removesuffix("=password")]
            if self.command == "GET":
                return self.answer(200, user["password"].encode())
            user["former"] = body
        elif self.command == "PUT":
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
        if not key:
            everything = [each for user in state.values() for each in user["values"]]
            return self.answer(200, json.dumps(everything if self.spied else list(values)).encode())
        return self.answer(200 if key in values else 404, values.get(key, "").encode())

    def keep(self, state):
        if "--copy-on-disk" in self.options:
            (Path(sys.argv[2]) / "copy").write_text(json.dumps(state))
        if "--copy-elsewhere" in self.options:
            Path(f"/tmp/depot-litter-{os.getpid()}").write_text(json.dumps(state))
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
    Handler.closed = "--open-to-write" not in sys.argv
    Handler.spied = "--spy" in sys.argv
    Handler.options = tuple(sys.argv[4:])
    if "--sessions" in sys.argv:
        Handler.most = int(sys.argv[sys.argv.index("--sessions") + 1])
    if "--in-run" in sys.argv:
        Handler.file = Path(sys.argv[3]).with_name("state")
    if "--forget-when-asked-to-stop" in sys.argv:
        signal.signal(
            signal.SIGTERM, lambda *_: (Handler.file.write_text(Handler.file.read_text()[:1] + "}"), sys.exit())
        )
    if "--goes-on" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    doors = []
    for number, (option, kind) in enumerate({"--monitor": socket.SOCK_STREAM, "--discover": socket.SOCK_DGRAM}.items()):
        if option in sys.argv:
            doors.append(socket.socket(socket.AF_INET, kind))
            doors[-1].bind(("127.0.0.1", 0))
            if number == 0:
                doors[-1].listen()
    if "--readable" in sys.argv:
        Path(sys.argv[2]).chmod(0o755)
        (Path(sys.argv[2]) / "notes").write_text(f"the password is {Handler.password}")
        (Path(sys.argv[2]) / "notes").chmod(0o644)
    if "--litter" in sys.argv:
        Path(f"/tmp/depot-litter-{os.getpid()}").write_text(f"the password is {Handler.password}")
        Path(f"/tmp/depot-litter-{os.getpid()}").chmod(0o644)
    os.umask(0o077)
    where = "0.0.0.0" if "--to-all" in sys.argv else "127.0.0.1"
    server = ThreadingHTTPServer((where, int(sys.argv[1])), Handler)
    if "--listen" in sys.argv:
        address, certificate, key = sys.argv[sys.argv.index("--listen") + 1 :][:3]
        secured = ThreadingHTTPServer((address, int(sys.argv[1])), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        secured.socket = context.wrap_socket(secured.socket, server_side=True)
        Thread(target=secured.serve_forever, daemon=True).start()
    if sys.argv[1] == "0":
        print(server.server_port, flush=True)  # noqa: T201 - for who wants any port
    server.serve_forever()
