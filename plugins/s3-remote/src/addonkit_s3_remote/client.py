"""Connections to the service. The only file that knows the client library."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import attrs

from addonkit import AddonkitError
from addonkit_s3_remote.faults import ABSENT, not_s3, refused, unreachable, untrusted
from addonkit_s3_remote.service import Key, Service
from addonkit_s3_remote.sharing import shared

PATIENCE: Final = 20.0
"""Seconds that a service may be silent. Asked twice, it is less than a step may take: so who is silent is named."""

_CONNECTIONS: Final = 64
"""Requests that are under way at once: those of several instances share a client."""

_IDLE: Final = 2.0
"""Seconds that a connection stays open for the next request: that of the next step comes at once."""

PATIENCE_FOR_MANY: Final = 120.0
"""Seconds that it may be silent while it removes as many objects as it can at once."""


@asynccontextmanager
async def s3(
    service: Service, attempted: str, key: Key | None = None, *, patience: float | None = None
) -> AsyncIterator[Any]:
    """Yield a client of the S3 interface, as the administrator or with another key.

    It waits `patience` seconds for each answer; default is PATIENCE.

    Raises:
        TransientError: when the service does not answer right now.
        Refused: when it says no; `attempted` begins the line.
    """
    async with _client("s3", service, service.endpoint, attempted, key, patience) as client:
        yield client


@asynccontextmanager
async def iam(service: Service, attempted: str) -> AsyncIterator[Any]:
    """Yield a client of the IAM interface, as the administrator; raises as `s3`."""
    async with _client("iam", service, service.iam_endpoint, attempted) as client:
        yield client


@asynccontextmanager
async def _client(
    kind: str,
    service: Service,
    endpoint: str | None,
    attempted: str,
    key: Key | None = None,
    patience: float | None = None,
) -> AsyncIterator[Any]:
    import botocore.exceptions
    from botocore.parsers import ResponseParserError

    where = endpoint or f"{kind.upper()} of AWS"
    described = _Described(
        kind,
        endpoint,
        service.region,
        key or service.key,
        _trusted(attempted, where, service.ca_file),
        PATIENCE if patience is None else patience,
        service.path_style,
    )
    try:
        async with shared(described, described.client) as client:
            yield client
    except botocore.exceptions.ClientError as error:
        raise _answer(attempted, error.response) from error
    except ResponseParserError as error:
        raise not_s3(attempted, where) from error
    except botocore.exceptions.SSLError as error:
        raise untrusted(attempted, where, _reason(error)) from error
    except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError) as error:
        # The client library knows where IAM of AWS answers.
        raise unreachable(attempted, endpoint or error.kwargs.get("endpoint_url", where), _reason(error)) from error


@attrs.frozen
class _Described:
    """All that a client is made of; see `Service`."""

    kind: str
    endpoint: str | None
    region: str
    key: Key
    trusted: str | bool
    patience: float
    path_style: bool

    def client(self) -> Any:
        """Return a new one."""
        return _session().create_client(
            self.kind,
            region_name=self.region,
            endpoint_url=self.endpoint,
            verify=self.trusted,
            aws_access_key_id=self.key.id.reveal(),
            aws_secret_access_key=self.key.secret.reveal(),
            config=_configuration(self.patience, path_style=self.path_style),
        )


def _trusted(attempted: str, where: str, file: str) -> str | bool:
    """Return the certificates to trust: a file, or True for those of the system.

    An endpoint without TLS shows none: it is False there, for to read them takes longer than most requests.
    """
    if file and not os.access(file, os.R_OK):
        raise untrusted(attempted, where, f"{file} cannot be read")
    return file or not where.startswith("http://")


def code_of(error: Any) -> str:
    """Return the service's own word in an error of a client, inside the block of `s3` or `iam`."""
    return str(error.response.get("Error", {}).get("Code", ""))


async def if_there(call: Awaitable[Any], absent: Collection[str] = ABSENT) -> Any:
    """Return what a call answers; None when it says one of the codes `absent`: what it is about is not there."""
    from botocore.exceptions import ClientError

    try:
        return await call
    except ClientError as error:
        if code_of(error) not in absent:
            raise
        return None


@cache
def _session() -> Any:
    """Return one session for all clients, so that descriptions of services are read once.

    It reads no file, no profile and no variable of the shell: what the operator set for addonkit is all that counts.
    """
    from aiobotocore.session import AioSession
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

    alone = {name: (None, None, default, convert) for name, (_, _, default, convert) in VARIABLES.items()}
    nothing = (None, None, os.devnull, None)
    return AioSession({**alone, "config_file": nothing, "credentials_file": nothing})


def _configuration(patience: float, *, path_style: bool) -> Any:
    from aiobotocore.config import AioConfig

    return AioConfig(
        connect_timeout=10,
        read_timeout=patience,
        max_pool_connections=_CONNECTIONS,
        connector_args={"keepalive_timeout": _IDLE},
        retries={"total_max_attempts": 2, "mode": "standard"},
        s3={"addressing_style": "path" if path_style else "virtual"},
        # Checksums that are not required are not understood by all services.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
    )


def _answer(attempted: str, response: Any) -> AddonkitError:
    said, about = response.get("Error", {}), response.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 0))
    skew = _skew(about.get("HTTPHeaders", {}).get("date", ""))
    return refused(attempted, str(said.get("Code", status)), str(said.get("Message", "")), status, skew)


def _skew(date: str) -> float:
    """Return seconds that the service's clock is before ours, by the `Date` of its answer; 0 when that says nothing."""
    try:
        return (parsedate_to_datetime(date) - _now()).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _now() -> datetime:
    return datetime.now(UTC)


def _reason(error: BaseException) -> str:
    """Return the innermost reason: what is around it, and much that is said by sockets, names the address again."""
    inner: Any = error.__cause__ or getattr(error, "kwargs", {}).get("error") or error
    cause = getattr(inner, "certificate_error", None) or getattr(inner, "os_error", None) or inner
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, TimeoutError):
        return "it takes too long"
    if isinstance(cause, OSError):
        return _words_of(cause)
    return str(getattr(cause, "message", "") or cause or type(cause).__name__)


def _words_of(error: OSError) -> str:
    """Return what the system calls it; asked for several addresses, Python joins their errors and leaves no number."""
    if error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return "no connection" if error.strerror is None else error.strerror
