"""The page about the numbers for Prometheus."""

from __future__ import annotations

from typing import Final

from addonkit.server.metric_families import FAMILIES

_HEAD: Final = """\
# Metrics

Written from `addonkit.server.metric_families` by `make reference`.
[Watch it](../how-to/watch-it.md) shows how to read them. `GET /metrics` gives them in the text format of Prometheus.

| name | type | labels | what it counts |
| --- | --- | --- | --- |
"""


def metrics_page() -> str:
    """Return the text of the page."""
    lines = []
    for name, family in FAMILIES.items():
        shown = f"{name}_total" if family.kind == "counter" else name
        labels = ", ".join(f"`{each}`" for each in family.labels)
        lines.append(f"| `{shown}` | {family.kind} | {labels} | {family.text} |\n")
    return _HEAD + "".join(lines)
