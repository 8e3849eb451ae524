"""All numbers that Prometheus reads: their names, what they count, and by what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

LABELS: Final = ("instance", "addon", "app")
"""Of numbers about an instance."""


class Family(NamedTuple):
    """Numbers of one name.

    Attributes:
        kind: `gauge`, `counter` or `histogram`.
        text: what they count, a sentence.
        labels: names that tell its numbers apart.
    """

    kind: str
    text: str
    labels: tuple[str, ...] = ()


FAMILIES: Final[Mapping[str, Family]] = {
    "addonkit_up": Family("gauge", "Whether an instance is active and its server runs.", LABELS),
    "addonkit_instances": Family("gauge", "Instances by state.", ("addon", "variant", "phase")),
    "addonkit_instance_apps": Family("gauge", "Apps that receive an instance's variables.", LABELS),
    "addonkit_instance_bytes": Family(
        "gauge", "Bytes that an instance holds; addons are asked every five minutes.", LABELS
    ),
    "addonkit_instance_objects": Family(
        "gauge", "Objects that an instance holds; addons are asked every five minutes.", LABELS
    ),
    "addonkit_server_connections": Family("gauge", "TCP connections to a server.", ("server",)),
    "addonkit_server_restarts": Family(
        "counter",
        "How often this service started a server again that had ended, or hung.",
        ("server",),
    ),
    "addonkit_backup_age_seconds": Family("gauge", "Age of an instance's newest backup.", ("instance",)),
    "addonkit_backup_verified_age_seconds": Family(
        "gauge", "Age of an instance's newest backup that was proved to be restorable.", ("instance",)
    ),
    "addonkit_operations_running": Family("gauge", "Operations of the API that run."),
    "addonkit_operation_seconds": Family("histogram", "How long operations took.", ("verb", "state")),
    "addonkit_saga_events": Family("counter", "What happened to steps of sagas.", ("saga", "kind")),
}
"""By their names; counters have `_total` behind them where they are read."""


def gauge(name: str) -> GaugeMetricFamily:
    """Return numbers that go up and down, without any."""
    return GaugeMetricFamily(name, FAMILIES[name].text, labels=FAMILIES[name].labels)


def counter(name: str) -> CounterMetricFamily:
    """Return numbers that only go up, without any."""
    return CounterMetricFamily(name, FAMILIES[name].text, labels=FAMILIES[name].labels)
