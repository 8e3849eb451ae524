"""The service as the operator described it, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs

from addonkit import InvalidInput, NotConfigured, Secret, reveal

_AWS = "amazonaws.com"


@attrs.frozen
class Key:
    """An access key: its id, which apps are given as a secret too, and its secret."""

    id: Secret
    secret: Secret


@attrs.frozen
class Service:
    """The service, and how to sign in as its administrator.

    Attributes:
        endpoint: URL without a path; `iam_endpoint` None when the client library knows it.
        region: that requests are signed for.
        key: of the administrator.
        static: whether apps may receive the administrator's key.
        bucket: the shared one of the variant prefix; may be empty.
        path_style: whether the bucket is in the path.
        ca_file: certificates to trust; empty for those of the system.
        isolated: whether keys that reach past their place are refused.
        bypass: whether objects locked in governance mode are removed.
    """

    endpoint: str
    iam_endpoint: str | None
    region: str
    key: Key
    static: bool = False
    bucket: str = ""
    path_style: bool = True
    ca_file: str = ""
    isolated: bool = True
    bypass: bool = False

    @property
    def is_aws(self) -> bool:
        """Return whether it is AWS itself."""
        return _is_aws(self.endpoint)

    @property
    def partition(self) -> str:
        """First part of resource names: `aws`, but for two closed parts of AWS."""
        for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(prefix):
                return partition
        return "aws"


def service_of(settings: Mapping[str, str | Secret]) -> Service:
    """Return the service that settings describe.

    Raises:
        NotConfigured: when the endpoint or the key is missing.
        InvalidInput: when a URL is none, or has no TLS though that is not allowed.
    """
    told = {name: reveal(value) for name, value in settings.items()}
    for name, words in (("endpoint", "endpoint=..."), ("access_key", "access_key=..."), ("secret_key", "secret_key=-")):
        if not told.get(name):
            raise NotConfigured(
                "using S3", f"its operator has not set {name}", f"run `addonkit config set s3-remote {words}`"
            )
    http = told.get("allow_http") == "true"
    endpoint = _url("endpoint", told.get("endpoint", ""), http=http)
    wanted = told.get("iam_endpoint", "")
    iam = _url("iam_endpoint", wanted, http=http) if wanted else _iam_of(endpoint)
    return Service(
        endpoint,
        iam,
        told.get("region", "us-east-1"),
        Key(Secret(told.get("access_key", "")), Secret(told.get("secret_key", ""))),
        static=told.get("credentials") == "static",
        bucket=told.get("bucket", ""),
        path_style=told.get("path_style") != "false",
        ca_file=told.get("ca_file", ""),
        isolated=told.get("require_isolation") != "false",
        bypass=told.get("bypass_governance") == "true",
    )


def _url(name: str, text: str, *, http: bool) -> str:
    attempted = f"cannot use the {name} {text!r} of s3-remote"
    parts = urlsplit(text)
    if parts.username or parts.password:
        attempted = f"cannot use the {name} of s3-remote"
        raise InvalidInput(attempted, "it holds credentials", "set access_key and secret_key instead")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(attempted, "it is not a URL", "write it like https://s3.example.org")
    if parts.query or parts.fragment:
        raise InvalidInput(attempted, "it has more than a host and a path", "write it like https://s3.example.org")
    if parts.scheme == "http" and not http:
        raise InvalidInput(
            attempted,
            "without TLS everybody on the way reads keys and data",
            "use https, or run `addonkit config set s3-remote allow_http=true` to allow it",
        )
    return text.rstrip("/")


def _iam_of(endpoint: str) -> str | None:
    """Return IAM of AWS has a host of its own, which the client library knows; others serve it where they serve S3."""
    return None if _is_aws(endpoint) else endpoint


def _is_aws(endpoint: str) -> bool:
    return (urlsplit(endpoint).hostname or "").endswith((f".{_AWS}", f".{_AWS}.cn"))
