"""What /proc tells of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from addonkit.util.procfs import is_kept_from_running, read_status

FIRST_THREAD_ENDS = """
import ctypes, socket, threading
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    print(listener.getsockname()[1], flush=True)
    input()
    listener.close()
threading.Thread(target=serve).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_of_which_one_thread_still_works_has_not_ended() -> None:
    """Threads of a killed server end one by one: as long as one is left, its ports and files are open."""
    with subprocess.Popen(
        [sys.executable, "-c", FIRST_THREAD_ENDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        while (status := read_status(process.pid)) is not None and status.state != "Z":
            pass
        assert status is not None
        assert not status.ended

        process.kill()
        while (status := read_status(process.pid)) is not None and not status.ended:
            pass
        assert status is not None, "it is collected by this test alone"


def test_a_process_that_a_signal_has_stopped_is_seen_whatever_its_name_is(tmp_path: Path) -> None:
    odd = tmp_path / "a) T (b) T"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"]) as process:
        assert not is_kept_from_running(process.pid)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        assert is_kept_from_running(process.pid)
        process.send_signal(signal.SIGCONT)
        while is_kept_from_running(process.pid):
            pass
        process.kill()
    assert not is_kept_from_running(process.pid)
