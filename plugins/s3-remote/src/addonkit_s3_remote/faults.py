"""Turns answers of a service into errors for the operator. Pure.

Codes as in the S3 and IAM references ("Error responses", "Common errors").
"""

from __future__ import annotations

from typing import Final

from addonkit import AddonkitError, NothingDone, TransientError

ABSENT: Final = frozenset({"NoSuchBucket", "NoSuchEntity", "NoSuchKey", "NoSuchUpload", "NotFound", "404"})
"""Codes that say a thing is not there."""

UNSUPPORTED: Final = frozenset(
    {"NotImplemented", "MethodNotAllowed", "405", "501", "UnsupportedOperation", "NotSupported", "XNotImplemented"}
)
"""Codes by which services refuse what they have not got."""

DENIED: Final = frozenset({"AccessDenied", "403", "Forbidden", "UnauthorizedAccess", "AllAccessDisabled"})

UNKNOWN_KEY: Final = frozenset({"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"})

CLOCK: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
"""Codes that say that a request was signed at another time. Some services use one of DENIED, or tell nothing at all."""

_PASSING: Final = frozenset(
    {
        "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "InternalError",
        "ServiceUnavailable", "ServiceFailure", "RequestTimeout", "OperationAborted", "BusyHere", "429", "500", "502",
        "503", "504", "InternalFailure", "RequestThrottled", "ConcurrentModification",
    }
)  # fmt: skip

_TOLERATED: Final = 600.0
"""Seconds that clocks may differ before a refusal is put down to it; services allow five or fifteen minutes."""

SET: Final = "addonkit config set s3-remote"

_KNOWN: Final = {
    "SignatureDoesNotMatch": (
        "the service does not accept the secret key (or the region)",
        f"run `{SET} secret_key=-`",
    ),
    "AuthorizationHeaderMalformed": ("the region is wrong", f"run `{SET} region=...`"),
    **dict.fromkeys(CLOCK, ("the clocks of this machine and the service differ too much", "set the clock right")),
    **dict.fromkeys(
        UNKNOWN_KEY, ("the service does not know the access key", f"run `{SET} access_key=... secret_key=-`")
    ),
    **dict.fromkeys(
        DENIED, ("the service does not allow it (AccessDenied)", "give the administrator's key the permission")
    ),
}


class Refused(AddonkitError):
    """The service answered with an error that stays; `code` in `details` is its own word."""

    @property
    def code(self) -> str:
        """The service's own word for it."""
        return str(self.details.get("code", ""))


class Unchanged(Refused, NothingDone):
    """The service refused the only thing that a step asked for."""


def unchanged(refusal: Refused) -> Unchanged:
    """Return the same refusal for a step that had no effect."""
    return Unchanged(refusal.attempted, refusal.found, refusal.advice, code=refusal.code)


def refused(attempted: str, code: str, message: str, status: int, skew: float = 0.0) -> AddonkitError:
    """Return the error for an answer of the service, whose clock is `skew` seconds before ours."""
    if code in DENIED | {"400"} and abs(skew) > _TOLERATED:
        code = "RequestTimeTooSkewed"
    if code in _PASSING or (status >= 500 and code not in UNSUPPORTED):  # noqa: PLR2004 - status of a server's own fault
        return TransientError(
            attempted, f"the service is not well: {code} {message}".strip(), "try again later, or look at the endpoint"
        )
    found, advice = _KNOWN.get(code, (f"{code}: {message}" if message else code, ""))
    return Refused(attempted, found, advice, code=code)


def unreachable(attempted: str, endpoint: str, reason: str) -> TransientError:
    """Return the error for a service that does not answer."""
    return TransientError(
        attempted,
        f"the service does not answer: {reason}",
        f"run `curl -i {endpoint}`, or `{SET} endpoint=...`",
    )


def not_s3(attempted: str, endpoint: str) -> Refused:
    """Return the error for something that answers and is no S3 service."""
    return Refused(attempted, f"{endpoint} does not speak S3", f"run `{SET} endpoint=...`", code="NotS3")


def no_such_bucket(attempted: str, endpoint: str) -> Refused:
    """Return the error for a bucket that the operator named and that is not there."""
    return Refused(
        attempted,
        f"{endpoint} has no such bucket",
        f"create it there, or run `{SET} bucket=...` to name another one",
        code="NoSuchBucket",
    )


def untrusted(attempted: str, endpoint: str, reason: str) -> Refused:
    """Return the error for a certificate that does not fit."""
    return Refused(
        attempted,
        f"the certificate of {endpoint} is not trusted: {reason}",
        f"run `{SET} ca_file=...` with the one to trust",
        code="Certificate",
    )
