"""Reads what a client sent into attrs classes. Strict: nothing is converted, nothing unknown is passed over."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

import attrs

from addonkit.errors import InvalidInput
from addonkit.server.schema import Number, Text, fields_of, optional

T = TypeVar("T")

_WORDS: Final = {str: "text", int: "a whole number", bool: "true or false"}


class Unfit(Exception):
    """A value that does not fit; says where and why."""


def read(kind: type[T], tree: object, attempted: str) -> T:
    """Make a value of an attrs class of a JSON tree.

    Raises:
        InvalidInput: naming the first place that does not fit.
    """
    try:
        found: T = _value(kind, tree, "")
    except Unfit as error:
        raise InvalidInput(attempted, str(error), "see /v1/openapi.json") from None
    return found


def read_query(kind: type[T], query: Mapping[str, str], attempted: str) -> T:
    """Return the same of the part of a URL behind `?`, where everything is text."""
    annotations = {name: annotation for name, (_, annotation) in fields_of(kind).items()}
    tree = {name: _from_text(annotations.get(name), text) for name, text in query.items()}
    return read(kind, tree, attempted)


def _from_text(annotation: Any, text: str) -> object:
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if plain is int and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if plain is bool and text in {"true", "false"}:
        return text == "true"
    return text


def _value(annotation: Any, tree: object, place: str) -> Any:
    inner = optional(annotation)
    if inner is not None:
        return None if tree is None else _value(inner, tree, place)
    if annotation is Any:
        return tree
    if annotation in _WORDS:
        return _plain(annotation, tree, place)
    return _composed(annotation, tree, place)


def _composed(annotation: Any, tree: object, place: str) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _limited(arguments[1], _value(arguments[0], tree, place), place)
    if origin is tuple:
        return tuple(_value(arguments[0], each, f"{place}[{n}]") for n, each in enumerate(_of(list, tree, place)))
    if origin is Mapping:
        return _mapping(arguments, _of(dict, tree, place), place)
    return _named(annotation, tree, place)


def _mapping(arguments: tuple[Any, ...], tree: dict[str, object], place: str) -> dict[str, Any]:
    keys = (_value(arguments[0], key, f"a name in {place}") for key in tree)
    return {key: _value(arguments[1], each, f"{place}.{key}") for key, each in zip(keys, tree.values(), strict=True)}


def _named(kind: Any, tree: object, place: str) -> Any:
    if inspect.isclass(kind) and issubclass(kind, StrEnum):
        return _parsed(kind, tree, place, f"one of {', '.join(kind)}")
    if kind is datetime:
        return _parsed(datetime.fromisoformat, tree, place, "a time in ISO 8601")
    return _object(kind, _of(dict, tree, place), place)


def _object(kind: Any, tree: dict[str, object], place: str) -> Any:
    fields = fields_of(kind)
    unknown = sorted(set(tree) - set(fields))
    if unknown:
        raise Unfit(f"there is no {place}{'.' if place else ''}{unknown[0]}; there is {', '.join(fields) or 'nothing'}")
    values = {}
    for name, (field, annotation) in fields.items():
        where = f"{place}.{name}" if place else name
        if name in tree:
            values[name] = _value(annotation, tree[name], where)
        elif field.default is attrs.NOTHING:
            raise Unfit(f"{where} is missing")
    return kind(**values)


def _plain(kind: type, tree: object, place: str) -> object:
    if kind is int and isinstance(tree, float) and tree.is_integer():
        return int(tree)  # 600.0 is a whole number, as JSON Schema has it
    if type(tree) is not kind:
        raise Unfit(f"{place or 'the body'} is not {_WORDS[kind]}")
    if isinstance(tree, str) and not _storable(tree):
        raise Unfit(f"{place} has characters that cannot be stored")
    return tree


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _of(kind: type[T], tree: object, place: str) -> T:
    if not isinstance(tree, kind):
        raise Unfit(f"{place or 'the body'} is not {'a list' if kind is list else 'an object'}")
    return tree


def _parsed(parse: Callable[[str], T], tree: object, place: str, wanted: str) -> T:
    try:
        return parse(_of(str, tree, place))
    except (ValueError, Unfit):
        raise Unfit(f"{place} is not {wanted}") from None


def _limited(limit: Text | Number, value: Any, place: str) -> Any:
    if isinstance(limit, Number):
        if not limit.least <= value <= limit.most:
            raise Unfit(f"{place} is not between {limit.least} and {limit.most}")
        return value
    if not limit.shortest <= len(value) <= limit.longest:
        raise Unfit(f"{place} has {len(value)} characters, not {limit.shortest} to {limit.longest}")
    if limit.pattern and not re.fullmatch(limit.pattern, value):
        raise Unfit(f"{place} does not match {limit.pattern}")
    return value
