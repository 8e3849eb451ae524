"""Times several ways by turns and compares their medians: what disturbs the machine disturbs all of them."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

ROUNDS: Final = int(os.environ.get("ROUNDS", "15"))
"""Turns of a comparison."""


def measure(ways: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return seconds of each way, a list of one number a turn. Each runs once before, so that caches are warm."""
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def measure_inner(ways: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """As measure, for ways that return their own seconds: what prepares and clears away is not counted."""
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way())
    return seconds


def row(name: str, beside: str, seconds: Mapping[str, Sequence[float]], goal: str = "") -> str:
    """Return a line of the table: median of `name`, median of its neighbour, ratio of both, its spread, goal.

    The spread is the range of the ratios of single turns, without the outer tenths.
    """
    mine, other = seconds[name], seconds[beside]
    ratios = sorted(a / b for a, b in zip(mine, other, strict=True))
    cut = len(ratios) // 10
    low, high = ratios[cut], ratios[-1 - cut]
    medians = statistics.median(mine), statistics.median(other)
    times = " | ".join(f"{value * 1000:.1f} ms" for value in medians)
    return f"| {name} | {beside} | {times} | {medians[0] / medians[1]:.2f} | {low:.2f} to {high:.2f} | {goal} |"


def heading() -> str:
    """Return the machine, and the head of the table."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {cores} cores, load {load:.1f} at the start, {sys.platform}\n\n"
        "| measured | beside it | | | ratio | spread | goal |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    )
