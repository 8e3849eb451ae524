"""Stands before moto: lets in what carries a key, and judges what moto does not.

moto answers every caller under `/moto-api` with all keys, and fails on signatures that are in the address. It looks
neither at conditions of policies nor at the source of a copy. It removes users that still have keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from addonkit_s3_remote.local import judge, signatures, users
from addonkit_s3_remote.local.backends import operator
from addonkit_s3_remote.local.forms import read_form
from addonkit_s3_remote.local.requests import Environ, Incoming, Refusal

_CLOSED: Final = ("/moto-api", "/latest/", "/favicon.ico")
"""Paths of moto's own, which no S3 client needs."""

_READING: Final = frozenset({"GET", "HEAD"})

Start = Callable[..., Any]
App = Callable[[Environ, Start], Iterable[bytes]]


class Gate:
    """A WSGI application before another one. Sets `changed` after each request that may have changed something."""

    def __init__(self, app: App, changed: Event) -> None:
        self._app = app
        self._changed = changed

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return _preflight(environ, start)
        try:
            _admit(Incoming.of(environ))
        except Refusal as refusal:
            return _refuse(refusal, environ, start)
        try:
            return self._app(environ, start)
        finally:
            if environ["REQUEST_METHOD"] not in _READING:
                self._changed.set()


def _admit(request: Incoming) -> None:
    if request.environ.get("PATH_INFO", "").startswith(_CLOSED):
        raise Refusal("AccessDenied", "There is nothing here.")
    signed = "authorization" in request.headers
    try:
        if signed:
            _admit_signed(request)
        elif signatures.is_presigned(request):
            bare, key = signatures.check_presigned(request)
            judge.check(bare, key)
            signatures.sign(bare, key)
        elif request.method == "POST":
            _admit_form(request)
        else:
            raise Refusal("AccessDenied", "Access Denied: the request carries no key.")
    except (KeyError, ValueError) as error:
        raise Refusal("InvalidRequest", "The signature cannot be read.", "400 Bad Request") from error


def _admit_signed(request: Incoming) -> None:
    key = signatures.caller(request)
    bucket, name = request.place
    judge.check(request, key)
    if request.method == "POST" and not bucket:
        users.check(request)
    if request.method == "POST" and bucket and not name and "delete" in request.arguments:
        # moto asks once whether the bucket may be deleted from, where S3 asks for each object.
        doomed = _named_keys(request.body())
        if doomed and all(judge.may(key, "s3:DeleteObject", f"{bucket}/{each}") for each in doomed):
            signatures.check_header(request)
            signatures.sign(request, operator())


def _admit_form(request: Incoming) -> None:
    """Let an upload by form in; moto asks for the bucket, where S3 asks for the object."""
    form = read_form(request)
    key = signatures.check_form(form.fields)
    bucket, _ = request.place
    form.check(bucket)
    if not judge.may(key, "s3:PutObject", f"{bucket}/{form.key}"):
        raise Refusal("AccessDenied", "Access Denied")
    signatures.sign(request, operator())


def _named_keys(body: bytes) -> list[str]:
    """Return the keys in the body of a DeleteObjects; empty when it is none."""
    try:
        found = ET.fromstring(body)  # noqa: S314 - expat of today bounds entities; who sends it has a key
    except ET.ParseError:
        return []
    return [each.text or "" for each in found.iter() if each.tag.rpartition("}")[2] == "Key"]


def _preflight(environ: Environ, start: Start) -> Iterable[bytes]:
    """Tell a browser that it may ask; the request itself is judged when it comes."""
    headers = [
        ("Access-Control-Allow-Origin", environ.get("HTTP_ORIGIN", "*")),
        ("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE"),
        ("Access-Control-Allow-Headers", environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "*")),
        ("Content-Length", "0"),
    ]
    start("200 OK", headers)
    return []


def _refuse(refusal: Refusal, environ: Environ, start: Start) -> Iterable[bytes]:
    """Answer as S3 does, or as IAM does where that is asked."""
    error = f"<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message></Error>"
    of_iam = "/iam/aws4_request" in environ.get("HTTP_AUTHORIZATION", "")
    body = (f"<ErrorResponse>{error}</ErrorResponse>" if of_iam else error).encode()
    start(refusal.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]
