"""Docstrings and signatures as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import takewhile
from textwrap import dedent
from typing import Any, Final

import attrs

WIDTH: Final = 110
"""Characters that a signature may have on one line."""

_SECTIONS: Final = re.compile(r"^(Args|Attributes|Example|Raises|Returns):\n", re.MULTILINE)


def prose(docstring: str) -> Iterator[str]:
    """Yield a Google-style docstring as Markdown, one part after another, each ending in a newline."""
    body, *sections = _SECTIONS.split(docstring)
    if body.strip():
        yield body.strip() + "\n"
    for heading, text in zip(sections[::2], sections[1::2], strict=True):
        inside = "\n".join(takewhile(_is_inside, text.splitlines()))
        yield _section(heading, dedent(inside).strip()) + "\n"
        after = text[len(inside) :].strip()
        if after:
            yield after + "\n"


def _is_inside(line: str) -> bool:
    """Return whether a line belongs to the section above it."""
    return line.startswith(" ") or not line.strip()


def _section(heading: str, text: str) -> str:
    if heading in {"Args", "Attributes"}:
        return "\n".join(f"- `{name}`: {what}" for name, what in items(text))
    if heading == "Raises":
        return "\n".join(f"- raises `{name}`: {what}" for name, what in items(text))
    if heading == "Returns":
        return f"Answers: {text[:1].lower()}{text[1:]}"
    return text.replace("```python", "```{code-block} python")


def items(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and descriptions of a section; further lines of an item are indented."""
    for item in re.split(r"\n(?=\S)", text):
        name, _, what = item.partition(":")
        yield name, " ".join(what.split())


def signature(name: str, function: Callable[..., Any], *, without_first: bool = False) -> str:
    """Return how something is called, with the types that it is annotated with; on several lines where it is long."""
    found = inspect.signature(function)
    parameters = list(found.parameters.values())[int(without_first) :]
    parts = list(_parts(parameters))
    answer = f" -> {_type(found.return_annotation)}" if found.return_annotation not in {found.empty, None} else ""
    line = f"{name}({', '.join(parts)}){answer}"
    if len(line) <= WIDTH:
        return line
    return "\n".join((f"{name}(", *(f"    {part}," for part in parts), f"){answer}"))


def _parts(parameters: list[inspect.Parameter]) -> Iterator[str]:
    starred = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield _parameter(each)


def _parameter(each: inspect.Parameter) -> str:
    kinds: dict[object, str] = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}
    stars = kinds.get(each.kind, "")
    kind = "" if each.annotation is each.empty else f": {_type(each.annotation)}"
    default = "" if each.default is each.empty else f" = {_default(each.default)}"
    return f"{stars}{each.name}{kind}{default}"


def _type(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation.strip("'\"")
    return getattr(annotation, "__name__", str(annotation)) if isinstance(annotation, type) else str(annotation)


def _default(value: Any) -> str:
    """Return how a default is written; `...` for what is made anew each time, or is only a mark."""
    if value is attrs.NOTHING or callable(value) or repr(value).startswith("<not"):
        return "..."
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)
