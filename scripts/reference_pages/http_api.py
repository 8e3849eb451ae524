"""The page about the HTTP API, made of its description."""

from __future__ import annotations

from typing import Any, Final

from addonkit.server.openapi import describe

_HEAD: Final = """\
# HTTP API

Written from the endpoints of `addonkit.server` by `make reference`.
[Use the API](../how-to/use-the-api.md) shows how. `/v1/openapi.json` is this page for programs.
Every endpoint may answer with a problem document; `role` is what a token needs.
"""


def http_api_page() -> str:
    """Return the text of the page."""
    document = describe()
    return "\n".join([_HEAD, *_endpoints(document), *_schemas(document)])


def _endpoints(document: dict[str, Any]) -> list[str]:
    lines = ["## Endpoints\n", "| request | what it does | role | answers |", "| --- | --- | --- | --- |"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            role = operation.get("description", "").removeprefix("Needs the role ").rstrip(".") or "none"
            status, answer = next(iter(operation["responses"].items()))
            what = f"{status}{_given(answer)}"
            lines.append(f"| `{method.upper()} {path}` | {operation['summary']} | {role} | {what} |")
    return [*lines, ""]


def _given(answer: dict[str, Any]) -> str:
    for media, content in answer.get("content", {}).items():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        return f" `{name}`" if name else f" `{media}`"
    return ""


def _schemas(document: dict[str, Any]) -> list[str]:
    lines = ["## Documents\n"]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += [f"### {name}\n", f"{schema['description']}\n", "| field | type | meaning |", "| --- | --- | --- |"]
        for field, each in schema["properties"].items():
            needed = "" if field in schema["required"] else ", optional"
            lines.append(f"| `{field}` | {_type(each)}{needed} | {each.get('description', '')} |")
        lines.append("")
    return lines


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "any")
