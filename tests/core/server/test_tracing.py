"""Spans of operations, sagas and steps, as the SDK of OpenTelemetry has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from addonkit.errors import InvalidInput
from addonkit.server import telemetry
from addonkit.server.telemetry import tracing
from addonkit.server.tracing import Tracing

from .conftest import SECRET, Shelf, served

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ASKED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
SHOP = {"addon": "shelf", "app": "shop"}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


async def ended(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    """The span of that name, which ends after the operation has."""
    while True:
        for span in exporter.get_finished_spans():
            if span.name == name:
                return span
        await asyncio.sleep(0.01)


def tree(spans: Sequence[ReadableSpan]) -> dict[str, str]:
    """Names of spans, and of their parents."""
    names = {span.context.span_id: span.name for span in spans if span.context}
    return {span.name: names.get(span.parent.span_id, "another's") if span.parent else "" for span in spans}


async def test_an_operation_its_sagas_and_their_steps(
    home: Path, shelf: Shelf, exporter: InMemorySpanExporter, traces: Tracing
) -> None:
    async with served(home, shelf, traces=traces) as api:
        await api.client.settle(await api.client("POST", "/v1/instances", {**SHOP, "alias": "one"}, **ASKED))
        create = await ended(exporter, "create")
        spans = exporter.get_finished_spans()
        assert tree(spans) == {
            "create": "another's",
            "shelf.provision": "create",
            "shelf.provision make": "shelf.provision",
            "shelf.provision fill": "shelf.provision",
        }
        assert {f"{span.context.trace_id:032x}" for span in spans if span.context} == {TRACE}
        assert create.parent is not None
        assert f"{create.parent.span_id:016x}" == PARENT
        assert create.attributes is not None
        assert create.attributes["addonkit.instance.name"] == "shop-one"
        assert all(span.status.status_code is StatusCode.UNSET for span in spans)
        assert all(span.start_time and span.end_time and span.start_time <= span.end_time for span in spans)
        exporter.clear()

        shelf.broken = True
        await api.client.settle(await api.client("POST", "/v1/instances", {**SHOP, "app": "blog"}))
        await ended(exporter, "create")
        spans = exporter.get_finished_spans()
        failed = {
            span.name: span.attributes["error.type"] for span in spans if span.attributes and not span.status.is_ok
        }
        assert failed == {
            "create": "urn:addonkit:error:InstanceFailed",
            "shelf.provision": "rolled_back",
            "shelf.provision make": "failed",
        }
        assert tree(spans)["create"] == "", "without a traceparent it begins a trace"
        await api.client("PATCH", "/v1/apps/shop/environment", {"set": {"A": SECRET}}, **ASKED)
    for span in exporter.get_finished_spans():
        assert SECRET not in span.to_json()


async def test_the_trace_of_a_request_outlives_the_service(
    home: Path, shelf: Shelf, exporter: InMemorySpanExporter, traces: Tracing
) -> None:
    shelf.held = asyncio.Event()
    async with served(home, shelf, traces=traces) as first:
        asked = await first.client("POST", "/v1/instances", SHOP, **ASKED)
        await shelf.entered.wait()
    assert not [span for span in exporter.get_finished_spans() if span.name == "create"]
    shelf.held = None
    async with served(home, shelf, traces=traces) as second:
        await second.client.settle(asked)
        create = await ended(exporter, "create")
    assert create.context is not None
    assert f"{create.context.trace_id:032x}" == TRACE


@pytest.mark.parametrize("header", ["", "00-0-0-01", f"00-{'0' * 32}-{PARENT}-01", "x" * 600])
def test_what_is_no_trace_is_passed_over(traces: Tracing, header: str) -> None:
    assert traces.context_of({"traceparent": header, "tracestate": "a=1"}) == {}


def test_nothing_is_traced_unless_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with tracing() as found:
        assert found is None


def test_what_sends_traces_is_asked_for_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(telemetry, "find_spec", lambda _: None)
    with (
        pytest.raises(InvalidInput, match=r"opentelemetry is not installed; run `pip install 'addonkit\[otel\]'`"),
        tracing(),
    ):
        pass
