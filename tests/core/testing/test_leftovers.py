"""What a check started ends with it; a service that several checks share does not."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from addonkit.testing.conformance.leftovers import marked
from addonkit.testing.conformance.rig import serving

WAITING = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]


@contextmanager
def waiting() -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until its input ends."""
    with subprocess.Popen(WAITING, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


class Client:
    """Brings a service."""

    process: subprocess.Popen[bytes]

    @contextmanager
    def service(self) -> Iterator[Mapping[str, str]]:
        """Run it."""
        with waiting() as self.process:
            yield {}


def test_a_service_outlives_the_check_that_asked_for_it_first() -> None:
    client = Client()
    with ExitStack() as session:
        with marked():
            own = session.enter_context(waiting())
            session.enter_context(serving(client))  # type: ignore[arg-type]  # only its service is asked for
        assert own.wait(10) == -signal.SIGKILL, "what the check itself started ends with it"
        assert client.process.poll() is None, "the service ended with the check"
    assert client.process.returncode == 0
