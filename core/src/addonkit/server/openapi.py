"""The description of the API in OpenAPI 3.1, made of its endpoints."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Final

import attrs

from addonkit._version import __version__
from addonkit.server.catalog import ENDPOINTS
from addonkit.server.documents import TAGS
from addonkit.server.endpoints import LONG, STREAM, Endpoint
from addonkit.server.idempotency import HEADER, LONGEST
from addonkit.server.problems import CONTENT_TYPE, Problem
from addonkit.server.resources.words import AppName
from addonkit.server.schema import Schema, Schemas, Text, describe_fields, fields_of, first_line

_ALWAYS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_WITH_ROLE: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_WITH_BODY: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
_WITH_CHANGE: Final = (HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY, HTTPStatus.NOT_FOUND)

_ABOUT: Final = """\
Gives apps databases, caches and buckets. Long work is answered with 202 and an operation, whose events stream.
Errors are problem documents (RFC 9457) with the line that the command line prints.
"""

_KEY: Final[Schema] = {
    "name": HEADER,
    "in": "header",
    "description": "The same request with the same key begins nothing again: it gives the same operation.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
}
_MATCH: Final[Schema] = {
    "name": "If-Match",
    "in": "header",
    "description": "ETag of what was read: nothing is done when it has changed since.",
    "schema": {"type": "string", "pattern": f"^{TAGS}$"},
}
_SEEN: Final[Schema] = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Id of the last event that arrived.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,9}(-[0-9]{1,9}){0,50}$"},
}
_ANY: Final = Annotated[str, Text(shortest=1)]
_IN_PATHS: Final = {"app": AppName}
"""What parameters of paths look like, by name."""


@cache
def describe() -> dict[str, Any]:
    """Return the description."""
    schemas = Schemas()
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    schemas.of(Problem)
    return {
        "openapi": "3.1.0",
        "info": {"title": "addonkit", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas.found,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(endpoint: Endpoint, schemas: Schemas) -> Schema:
    found: Schema = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": first_line(endpoint.handler),
        "parameters": _parameters(endpoint, schemas),
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.of(endpoint.body)}},
        }
    if endpoint.role is None:
        found["security"] = []
    else:
        found["description"] = f"Needs the role {endpoint.role}."
    return found


def _parameters(endpoint: Endpoint, schemas: Schemas) -> list[Schema]:
    found: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": schemas.of(_IN_PATHS.get(name, _ANY))}
        for name in endpoint.parameters
    ]
    if endpoint.query is not None:
        texts = describe_fields(endpoint.query)
        for name, (field, annotation) in fields_of(endpoint.query).items():
            schema = schemas.of(annotation)
            if field.default is not attrs.NOTHING:
                schema["default"] = field.default
            found.append({"name": name, "in": "query", "description": texts.get(name, ""), "schema": schema})
    if endpoint.status is LONG:
        found.append(_KEY)
    if endpoint.current is not None:
        found.append(_MATCH)
    if endpoint.media == STREAM:
        found.append(_SEEN)
    return found


def _responses(endpoint: Endpoint, schemas: Schemas) -> Schema:
    done: Schema = {"description": endpoint.status.phrase}
    if endpoint.media != "application/json":
        done["content"] = {endpoint.media: {"schema": {"type": "string"}}}
    elif endpoint.gives is not None:
        done["content"] = {endpoint.media: {"schema": schemas.of(endpoint.gives)}}
    if endpoint.status is LONG:
        done["headers"] = {"Location": {"description": "Of the operation.", "schema": {"type": "string"}}}
    refused = {"content": {CONTENT_TYPE: {"schema": schemas.of(Problem)}}}
    problems = {str(int(each)): {"description": each.phrase, **refused} for each in _refusals(endpoint)}
    return {str(int(endpoint.status)): done, **problems}


def _refusals(endpoint: Endpoint) -> list[HTTPStatus]:
    found = {*_ALWAYS, *endpoint.refusals}
    if endpoint.role is not None:
        found |= {*_WITH_ROLE}
    if endpoint.method != "GET":
        found |= {*_WITH_CHANGE}
    if endpoint.parameters:
        found.add(HTTPStatus.NOT_FOUND)
    if endpoint.body is not None:
        found |= {*_WITH_BODY}
    if endpoint.current is not None:
        found.add(HTTPStatus.PRECONDITION_FAILED)
    if endpoint.status is LONG:
        found.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    return sorted(found)
