"""Templates to HTML. Text is escaped, and characters that would change how it reads are shown as codes."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from addonkit.models.sizes import describe_size
from addonkit.util.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


def render(template: str, **context: Any) -> str:
    """Return a page."""
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("addonkit.server.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters.update(ago=ago, exact=exact, span=span, day=day, size=describe_size, prose=prose)
    made.globals["parts"] = made.get_template("parts.html").module
    return made


def _shown(value: object) -> object:
    """Return text from elsewhere without what moves, hides or turns around other text."""
    from markupsafe import Markup

    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(map(printable, value.split("\n")))


def exact(time: datetime) -> str:
    """Return `2026-11-27 10:00:05 UTC`."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(time: datetime, now: datetime | None = None) -> str:
    """Return how long ago a time was, in words: `5 min ago`. The script of the page says the same."""
    seconds = ((now or datetime.now(UTC)) - time).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    return f"{int(seconds // _DAY)} days ago"


def span(seconds: float) -> str:
    """Return how long something took: `0.4 s`, `3 min 5 s`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"


def day(time: datetime) -> str:
    """Return `2026-11-27`."""
    return f"{time.astimezone(UTC):%Y-%m-%d}"


def prose(text: str) -> Markup:
    """Return a sentence with its commands, which stand in backticks, as code."""
    from markupsafe import Markup

    parts = str(_shown(text)).split("`")
    if len(parts) % 2 == 0:  # a backtick that none closes
        return Markup.escape("`".join(parts))
    pieces = (Markup("<code>{}</code>").format(part) if n % 2 else Markup.escape(part) for n, part in enumerate(parts))
    return Markup("").join(pieces)
