"""Starts traces where OpenTelemetry is installed and configured, by its own variables; costs nothing elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from addonkit.errors import InvalidInput

if TYPE_CHECKING:
    from addonkit.server.tracing import Tracing

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables that say where traces go."""


@contextmanager
def tracing() -> Iterator[Tracing | None]:
    """Yield what makes traces; None when OpenTelemetry is not installed, or nothing says where they go.

    A program that was started by `opentelemetry-instrument` has its own settings.

    Raises:
        InvalidInput: an address for traces is set, and what sends them is not installed.
    """
    wanted = any(os.environ.get(name) for name in _ENDPOINTS)
    if find_spec("opentelemetry") is None:
        if wanted:
            raise _not_installed("opentelemetry")
        yield None
        return
    from opentelemetry import trace

    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        from addonkit.server.tracing import Tracing

        yield Tracing()
    elif wanted:
        with _exporting() as found:
            yield found
    else:
        yield None


@contextmanager
def _exporting() -> Iterator[Tracing]:
    """Send traces by OTLP over HTTP while the block lasts, the last ones at its end."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise _not_installed(error.name or str(error)) from None
    from addonkit._version import __version__
    from addonkit.server.tracing import Tracing

    name = os.environ.get("OTEL_SERVICE_NAME", "addonkit")
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield Tracing(provider)
    finally:
        provider.shutdown()


def _not_installed(module: str) -> InvalidInput:
    found = f"{module} is not installed"
    advice = "run `pip install 'addonkit[otel]'`, or unset OTEL_EXPORTER_OTLP_ENDPOINT"
    return InvalidInput("cannot send traces", found, advice)
