"""A probe without an event loop: what it asks, and how it leaves."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from addonkit.compute.process.answer import ExpectedAnswer
from addonkit.compute.process.probe_connection import ProbeRequest
from addonkit.compute.process.quick_probe import answers


def test_a_probe_that_knows_enough_closes_in_order(tmp_path: Path) -> None:
    """PostgreSQL says more than the probe waits for; a reset would be a line in its log for each look."""
    path = tmp_path / "socket"
    after: list[bytes | OSError] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"R and much more")
            try:
                after.append(connection.recv(100))
            except OSError as error:
                after.append(error)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        tmp_path.chmod(0o700)
        assert answers(ProbeRequest(b"hello", ExpectedAnswer(("R",)), "", 0, str(path)))
        server.join(10)

    assert after == [b""]
