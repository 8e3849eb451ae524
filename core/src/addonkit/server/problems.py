"""Errors as problem documents (RFC 9457): the status of each class, and the line that the command line prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs
from aiohttp import web

from addonkit import errors

CONTENT_TYPE: Final = "application/problem+json"

STATUSES: Final[Mapping[type[Exception], HTTPStatus]] = {
    errors.InvalidInput: HTTPStatus.BAD_REQUEST,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.NotConfigured: HTTPStatus.CONFLICT,
    errors.BackupError: HTTPStatus.CONFLICT,
    errors.InstanceFailed: HTTPStatus.CONFLICT,
    errors.SagaError: HTTPStatus.CONFLICT,
    errors.ImageDenied: HTTPStatus.BAD_GATEWAY,
    errors.AddonNotInstalled: HTTPStatus.CONFLICT,
    errors.AddonFault: HTTPStatus.BAD_GATEWAY,
    errors.ProgramNotFound: HTTPStatus.CONFLICT,
    errors.ComputeError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SecretError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.AddonkitError: HTTPStatus.CONFLICT,
}
"""The status of an error is that of its nearest class. What a policy refuses is a conflict."""

RETRY_AFTER: Final = 5
"""Seconds after which a client may ask again what failed for a cause that passes."""


@attrs.frozen
class Problem:
    """The reason why a request was not carried out.

    Attributes:
        type: `urn:addonkit:error:` and the kind of the error.
        title: the kind in words.
        status: of the answer.
        detail: one line: what was attempted, what was found, what to do.
        attempted: what was attempted.
        found: what stood in the way.
        advice: what to do about it; may be empty.
        request: id of the request, as in the audit log.
    """

    type: str
    title: str
    status: int
    detail: str
    attempted: str = ""
    found: str = ""
    advice: str = ""
    request: str = ""


class Refused(errors.AddonkitError):
    """A request that HTTP itself has a status for, as 401 or 412."""

    def __init__(self, status: HTTPStatus, attempted: str, found: str, advice: str = "", **headers: str) -> None:
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(attempted, found, advice)


def status_of(error: errors.AddonkitError) -> HTTPStatus:
    """Return the status that an error is answered with."""
    if isinstance(error, Refused):
        return error.status
    return next(STATUSES[each] for each in type(error).__mro__ if each in STATUSES)


def problem_of(error: errors.AddonkitError, request: str = "") -> Problem:
    """Return the document about an expected error."""
    status = status_of(error)
    kind = status.name.title().replace("_", "") if isinstance(error, Refused) else type(error).__name__
    return Problem(
        f"urn:addonkit:error:{kind}",
        title_of(kind),
        status,
        str(error),
        error.attempted,
        error.found,
        error.advice,
        request,
    )


def answer_error(error: errors.AddonkitError, request: str = "") -> web.Response:
    """Return the answer to a request that failed with an expected error."""
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    if isinstance(error, errors.Retryable):
        headers["Retry-After"] = str(RETRY_AFTER)
    return answer(problem_of(error, request), headers)


def answer_bug(request: str) -> web.Response:
    """Return the answer to a request that failed with anything else; what it was is in the log alone."""
    found = "this is a bug; the log of `addonkit serve` has the rest"
    return answer(Problem("about:blank", "Internal error", 500, found, found=found, request=request), {})


def answer_http(error: web.HTTPException, attempted: str, request: str) -> web.Response:
    """Return the answer to what aiohttp itself refuses: no such path, no such method, a body that is too large."""
    methods = error.headers.get("Allow", "")
    found = error.reason
    if error.status == HTTPStatus.NOT_FOUND:
        found = "there is no such path"
    elif methods:
        found = f"this path takes {methods.replace(',', ', ')}"
    told = errors.AddonkitError(attempted, found, "see /v1/openapi.json")
    problem = Problem("about:blank", error.reason, error.status, str(told), attempted, found, told.advice, request)
    return answer(problem, {"Allow": methods} if methods else {})


def answer(problem: Problem, headers: Mapping[str, str]) -> web.Response:
    """Return a problem as the answer to a request."""
    return web.json_response(attrs.asdict(problem), status=problem.status, headers=headers, content_type=CONTENT_TYPE)


def title_of(kind: str) -> str:
    """Return `UnknownAddon` in words: `Unknown addon`."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f" {match[1].lower()}", kind)


def recorded(error: errors.AddonkitError) -> dict[str, Any]:
    """Return a problem as it is kept with an operation."""
    return attrs.asdict(problem_of(error))
