"""Says why a pool cannot be worked on."""

from __future__ import annotations

from addonkit.errors import InvalidInput, PoolCrashed, PoolGone, PoolTimeout
from addonkit.models.compute import CreateSandboxPoolSpec, Pool, PoolState
from addonkit.util.text import last_lines


def gone(name: str) -> PoolGone:
    """Return the error for a pool whose record does not exist any more."""
    return PoolGone(f"waiting for server {name}", "it was deleted meanwhile")


def hangs(pool: Pool, state: PoolState) -> bool:
    """Return whether a server that does not answer has had its time to start."""
    return bool(state.running) and state.age is not None and state.age > pool.spec.port_wait_timeout


def hung(name: str) -> PoolTimeout:
    """Return the error for a server that hangs."""
    advice = "run `addonkit restart` with the name of an instance of it"
    return PoolTimeout(f"working on server {name}", "it runs and does not answer", advice)


def crashed(name: str, state: PoolState) -> PoolCrashed:
    """Return the error for a server that has ended, with the end of its log."""
    status = "" if state.exit_status is None else f" with status {state.exit_status}"
    return PoolCrashed(f"starting server {name}", f"it ended{status}{_tail(state)}", log_tail=state.log_tail)


def timed_out(pool: Pool, limit: float, state: PoolState) -> PoolTimeout:
    """Return the error for a server that is not ready after `limit` seconds, with the end of its log."""
    expected = pool.spec.program.probe.expect if pool.spec.program else ()
    probed = f" to begin its answer to the probe with {' or '.join(map(repr, expected))}" if expected else ""
    return PoolTimeout(
        f"starting server {pool.name}",
        f"it was not ready{probed} after {limit:g} s{_tail(state)}",
        log_tail=state.log_tail,
    )


def check_probe(spec: CreateSandboxPoolSpec) -> None:
    """Make sure that the probe of a pool asks one of its ports.

    Raises:
        InvalidInput: naming the port and those that there are.
    """
    ports = [port.name for port in spec.ports]
    if spec.program is not None and spec.program.probe.port not in ports:
        raise InvalidInput(
            f"starting server {spec.name}",
            f"its probe asks port {spec.program.probe.port!r}, and its ports are {', '.join(ports) or 'none'}",
            "let the Probe name one of them; that of a ServerAddon has the addon's name",
        )


def _tail(state: PoolState) -> str:
    said = last_lines(state.log_tail, 5)
    return f"; its log ends with: {said}" if said else "; its log is empty"
