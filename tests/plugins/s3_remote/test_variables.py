"""What apps get beside place and key: checksums as services other than AWS understand them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from addonkit import Secret
from addonkit_s3_remote.service import Key, service_of
from addonkit_s3_remote.variables import variables

TOLD: dict[str, str | Secret] = {"access_key": "AK", "secret_key": Secret("hidden"), "allow_http": "true"}
CHECKSUMS = ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION")
PUT = "import boto3; boto3.client('s3').put_object(Bucket='box', Key='key', Body=b'hello')"


def environ(endpoint: str) -> dict[str, str]:
    service = service_of({**TOLD, "endpoint": endpoint})
    return {each.key: each.text for each in variables(service, "box", "", Key(Secret("AK"), Secret("hidden")))}


@pytest.mark.parametrize(
    ("endpoint", "value"),
    [
        ("https://s3.example.org", "when_required"),
        ("https://amazonaws.com.example.org", "when_required"),
        ("https://s3.eu-west-1.amazonaws.com", "when_supported"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "when_supported"),
    ],
)
def test_checksums_are_left_out_where_the_service_need_not_know_them(endpoint: str, value: str) -> None:
    found = environ(endpoint)

    assert [found[name] for name in CHECKSUMS] == [value, value]


def test_each_variable_has_what_its_name_says() -> None:
    service = service_of({**TOLD, "endpoint": "https://s3.example.org", "region": "eu-north-1"})
    found = variables(service, "box", "shop/", Key(Secret("AK"), Secret("hidden")))

    assert {each.key: each.text for each in found} == {
        "S3_BUCKET": "box",
        "S3_PREFIX": "shop/",
        "AWS_ACCESS_KEY_ID": "AK",
        "AWS_SECRET_ACCESS_KEY": "hidden",
        "AWS_REGION": "eu-north-1",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.org",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "S3_URL": "s3://box/shop/",
    }


class Strict(BaseHTTPRequestHandler):
    """A service that refuses checksums, as older ones do."""

    def do_PUT(self) -> None:
        """Answer an upload."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        unknown = any(name.lower().startswith(("x-amz-checksum", "x-amz-trailer")) for name in self.headers)
        self.send_response(200 if content == b"hello" and not unknown else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("given", "status"), [("when_required", 0), ("when_supported", 1)])
def test_an_app_writes_to_a_service_that_knows_no_checksums(given: str, status: int) -> None:
    server = HTTPServer(("127.0.0.1", 0), Strict)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        got = environ(f"http://127.0.0.1:{server.server_port}") | {CHECKSUMS[0]: given}
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run([sys.executable, "-c", PUT], env={**own, **got}, capture_output=True, check=False)
    finally:
        server.shutdown()
        server.server_close()

    assert done.returncode == status, done.stderr
