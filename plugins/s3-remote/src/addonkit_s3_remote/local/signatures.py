"""Signatures of requests: who made them, whether they are right, and new ones in their place."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import HmacV1Auth, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from addonkit_s3_remote.local.backends import Login, login
from addonkit_s3_remote.local.requests import UNSIGNED, Incoming, Refusal

_TIME: Final = "%Y%m%dT%H%M%SZ"
_HEADER: Final = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,]+)/(?P<day>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<signed>[^,]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)
_V4: Final = frozenset(
    f"x-amz-{name}"
    for name in (
        "algorithm", "credential", "date", "expires", "signedheaders", "signature", "security-token", "content-sha256"
    )
)  # fmt: skip
_V2: Final = frozenset({"awsaccesskeyid", "signature", "expires"})
_SERVICES: Final = frozenset({"s3", "iam", "sts"})


def caller(request: Incoming) -> Login:
    """Return the key that a request is signed with in its header; moto judges the signature later.

    Raises:
        Refusal: it is signed in another way, for another service, or with a key that is not there.
    """
    found = _HEADER.match(request.headers.get("authorization", ""))
    if found is None:
        raise Refusal("InvalidRequest", "Requests are signed with AWS Signature Version 4.", "400 Bad Request")
    if found["service"].lower() not in _SERVICES:
        raise Refusal("AccessDenied", f"This service is S3 and IAM, not {found['service']}.")
    return _known(found["key"])


def check_header(request: Incoming) -> None:
    """Make sure that the signature in the header is right; Refusal otherwise."""
    found = _HEADER.match(request.headers["authorization"])
    assert found is not None  # `caller` came first
    signed = {name: request.headers[name] for name in found["signed"].split(";") if name in request.headers}
    hashed = request.headers.get("x-amz-content-sha256", UNSIGNED)
    when = request.headers.get("x-amz-date", "")
    expected = _v4(_known(found["key"]), request, signed, hashed, when, found["region"])
    _compare(found["signature"], expected)


def is_presigned(request: Incoming) -> bool:
    """Return whether the signature is in the address."""
    names = {name.lower() for name in request.arguments}
    return "x-amz-signature" in names or names >= _V2


def check_presigned(request: Incoming) -> tuple[Incoming, Login]:
    """Return the request without its signature, and the key that it was made with.

    Raises:
        Refusal: it is too old, or the signature is wrong.
    """
    told = {name.lower(): value for name, value in request.arguments.items()}
    if "x-amz-signature" in told:
        return _check_v4(request, told)
    key = _known(told["awsaccesskeyid"])
    _check_time(datetime.fromtimestamp(int(told["expires"]), UTC))
    bare = request.without(_V2)
    _compare(told["signature"], *_v2(key, bare, told["expires"]))
    return bare, key


def _check_v4(request: Incoming, told: Mapping[str, str]) -> tuple[Incoming, Login]:
    id, _day, region, *_ = told["x-amz-credential"].split("/")
    key, when = _known(id), told["x-amz-date"]
    _check_time(_moment(when) + timedelta(seconds=int(told["x-amz-expires"])))
    hashed = told.get("x-amz-content-sha256", UNSIGNED)
    signed = {name: request.headers.get(name, "") for name in told["x-amz-signedheaders"].split(";")}
    expected = _v4(key, request.without({"x-amz-signature"}), signed, hashed, when, region)
    _compare(told["x-amz-signature"], expected)
    return request.without(_V4), key


def check_form(fields: Mapping[str, str]) -> Login:
    """Return the key that the policy of a form was signed with.

    Raises:
        Refusal: the signature is wrong.
    """
    policy = fields.get("policy", "")
    if "x-amz-signature" in fields:
        id, day, region, *_ = fields.get("x-amz-credential", "///").split("/")
        key = _known(id)
        signer = _signer(key, region)
        expected = signer.signature(policy, _timed(AWSRequest(), f"{day}T000000Z"))
        _compare(fields["x-amz-signature"], expected)
        return key
    key = _known(fields.get("awsaccesskeyid", ""))
    made = hmac.new(key.secret.encode(), policy.encode(), "sha1").digest()
    _compare(fields.get("signature", ""), base64.b64encode(made).decode())
    return key


def sign(request: Incoming, key: Login) -> None:
    """Sign a request anew in its header, in place of any signature that it had."""
    when, region = datetime.now(UTC).strftime(_TIME), "us-east-1"
    signed = {"host": request.headers.get("host", ""), "x-amz-content-sha256": UNSIGNED, "x-amz-date": when}
    signature = _v4(key, request, signed, UNSIGNED, when, region)
    request.environ.update(
        HTTP_AUTHORIZATION=(
            f"AWS4-HMAC-SHA256 Credential={key.id}/{when[:8]}/{region}/s3/aws4_request, "
            f"SignedHeaders={';'.join(signed)}, Signature={signature}"
        ),
        HTTP_X_AMZ_DATE=when,
        HTTP_X_AMZ_CONTENT_SHA256=UNSIGNED,
    )


def _v4(key: Login, request: Incoming, signed: Mapping[str, str], hashed: str, when: str, region: str) -> str:
    signer = _signer(key, region)
    asked = AWSRequest(method=request.method, url=request.url, headers={"X-Amz-Content-SHA256": hashed})
    # The hash of the body is signed in any case; its header only where the caller signed that, too.
    signer.headers_to_sign = lambda _: _headers(signed)
    canonical = signer.canonical_request(_timed(asked, when))
    return str(signer.signature(signer.string_to_sign(asked, canonical), asked))


def _v2(key: Login, request: Incoming, expires: str) -> tuple[str, ...]:
    """Return the right signatures: clients differ in whether the name of a bucket ends in a slash."""
    signer: Any = HmacV1Auth(Credentials(key.id, key.secret))
    signer._get_date = lambda: expires  # noqa: SLF001 - in an address, the end stands where the date is otherwise
    bucket, _ = request.place
    in_host = request.headers.get("host", "").startswith(f"{bucket}.")
    path = f"/{bucket}{request.path}" if in_host else request.path
    return tuple(
        str(signer.get_signature(request.method, urlsplit(request.url), _headers(request.headers), auth_path=each))
        for each in (path, f"{path}/")
    )


def _signer(key: Login, region: str) -> Any:
    return S3SigV4Auth(Credentials(key.id, key.secret), "s3", region)


def _timed(request: Any, when: str) -> Any:
    request.context["timestamp"] = when
    return request


def _headers(found: Mapping[str, str]) -> Any:
    headers = HTTPHeaders()
    for name, value in found.items():
        headers[name] = value
    return headers


def _known(id: str) -> Login:
    found = login(id)
    if found is None:
        raise Refusal("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    return found


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _check_time(end: datetime) -> None:
    if end < datetime.now(UTC):
        raise Refusal("AccessDenied", "Request has expired")


def _compare(given: str, *expected: str) -> None:
    if not any(hmac.compare_digest(given.encode(), each.encode()) for each in expected):
        raise Refusal(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )
