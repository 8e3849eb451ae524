"""JSON Schemas of the attrs classes that the API takes and gives."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import attrs

Schema = dict[str, Any]

_PLAIN: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}

_STORABLE: Final = r"^[^\u0000]*$"
"""Text that the state can hold."""

_FIELD: Final = re.compile(r"^(\w+): ")


@attrs.frozen
class Text:
    """The texts that are allowed.

    Attributes:
        pattern: that the whole text matches; empty allows all that can be stored.
        longest: characters.
        shortest: characters.
        example: one that is allowed.
    """

    pattern: str = ""
    longest: int = 1000
    shortest: int = 0
    example: str = ""

    def schema(self) -> Schema:
        """Return the keywords of JSON Schema."""
        found: Schema = {"minLength": self.shortest, "maxLength": self.longest}
        found["pattern"] = f"^{self.pattern}$" if self.pattern else _STORABLE
        if self.example:
            found["examples"] = [self.example]
        return found


@attrs.frozen
class Number:
    """The whole numbers that are allowed, both ends included."""

    least: int
    most: int

    def schema(self) -> Schema:
        """Return the keywords of JSON Schema."""
        return {"minimum": self.least, "maximum": self.most}


def fields_of(kind: type) -> dict[str, tuple[attrs.Attribute[Any], Any]]:
    """Return fields of an attrs class by name, each with its annotation."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: (field, hints[field.name]) for field in attrs.fields(kind)}


def optional(annotation: Any) -> Any | None:
    """Return what `X | None` may be beside None; None for any other annotation."""
    if get_origin(annotation) not in {Union, UnionType}:
        return None
    kept = [each for each in get_args(annotation) if each is not NoneType]
    return kept[0] if len(kept) == 1 else None


class Schemas:
    """Collects the schemas of classes under `#/components/schemas/`."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def of(self, annotation: Any) -> Schema:
        """Return the schema of an annotation; classes are referred to by name."""
        if annotation in _PLAIN:
            return dict(_PLAIN[annotation])
        inner = optional(annotation)
        if inner is not None:
            return {"anyOf": [self.of(inner), {"type": "null"}]}
        if inspect.isclass(annotation) and issubclass(annotation, StrEnum):
            return {"type": "string", "enum": [str(each) for each in annotation]}
        return self._composed(annotation, get_origin(annotation), get_args(annotation))

    def _composed(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Schema:
        if origin is Annotated:
            return {**self.of(arguments[0]), **arguments[1].schema()}
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is Mapping:
            named = {"propertyNames": self.of(arguments[0])} if arguments[0] is not str else {}
            return {"type": "object", "additionalProperties": self.of(arguments[1]), **named}
        return self._reference(origin or annotation, arguments)

    def _reference(self, kind: Any, arguments: tuple[Any, ...]) -> Schema:
        """Refer to an attrs class. One that holds items of a type, `Page[App]`, is named after both."""
        name = "".join((*(each.__name__ for each in arguments), kind.__name__))
        if name not in self.found:
            self.found[name] = {}  # it may refer to itself
            self.found[name] = self._object(kind, arguments)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: Any, arguments: tuple[Any, ...]) -> Schema:
        descriptions = describe_fields(kind)
        properties: dict[str, Schema] = {}
        required = []
        for name, (field, annotation) in fields_of(kind).items():
            if arguments and name == "items":
                schema: Schema = {"type": "array", "items": self.of(arguments[0])}
            else:
                schema = self.of(annotation)
            if descriptions.get(name):
                schema["description"] = descriptions[name]
            properties[name] = schema
            if field.default is attrs.NOTHING or field.metadata.get("given"):
                required.append(name)
        return {
            "type": "object",
            "description": first_line(kind),
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


def first_line(subject: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(subject) or "").partition("\n")[0]


def describe_fields(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says of each field, under `Attributes:`."""
    found: dict[str, str] = {}
    name = ""
    _, _, lines = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    for line in lines.splitlines():
        text = line.strip()
        match = _FIELD.match(text)
        if match and not line.startswith("     "):
            name = match[1]
            text = text[match.end() :]
            found[name] = text
        elif name and text:
            found[name] = f"{found[name]} {text}"
    return found
