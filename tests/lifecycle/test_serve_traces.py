"""Traces of the real `addonkit serve`, as a collector receives them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from addonkit.testing.command import CommandLine

from .test_serve_api import LIMIT, ask, at_home, ended, serving


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """Where traces go, and those that came."""
    received: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_a_collector_receives_what_was_done(addonkit_command: CommandLine, home: Path) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with collector() as (url, received):
        addonkit_command.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
        with serving(addonkit_command) as (process, _):
            header = f"00-{trace}-b7ad6b7169203331-01"
            asked = ask(at_home(home), "POST", "/v1/instances", {"addon": "valkey", "app": "shop"}, traceparent=header)
            assert ended(home, asked[1]["id"])["state"] == "succeeded"
            process.terminate()
            assert process.wait(LIMIT) == 0
    resources = [each for request in received for each in request.resource_spans]
    named = {(a.key, a.value.string_value) for each in resources for a in each.resource.attributes}
    assert ("service.name", "addonkit") in named
    spans = [span for each in resources for scope in each.scope_spans for span in scope.spans]
    assert {"create", "valkey.provision"} <= {span.name for span in spans}
    assert {span.trace_id.hex() for span in spans if span.name == "create"} == {trace}
