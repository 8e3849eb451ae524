"""Manifests: a file says what apps are to have. Pure: the text to values and back."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NewType

import attrs

from addonkit.errors import AddonkitError, InvalidInput
from addonkit.models.identifiers import check_alias, check_app_name
from addonkit.models.spec import AddonSpec
from addonkit.models.variable import check_posix_name, check_text
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from cattrs import Converter

_TEXT: Final = {"type": "string"}

SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "addonkit.toml",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "apps": {
            "description": "what apps are to have, by their names",
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "addons": {
                        "description": "by their names in the app: the addon's name, or an alias",
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "addon": {**_TEXT, "description": "ADDON[:VARIANT]; default is the entry's name"},
                                "version": {**_TEXT, "description": "version of the server"},
                                "options": {
                                    "description": "values of options, as `addonkit variants` shows them",
                                    "type": "object",
                                    "additionalProperties": {"type": ["string", "integer", "boolean"]},
                                },
                                "attach": {**_TEXT, "description": "instance of another app, instead of an addon"},
                                "schedule": {
                                    "description": "when it is backed up, and which backups stay",
                                    "type": "object",
                                    "additionalProperties": False,
                                    "required": ["cron"],
                                    "properties": {
                                        "cron": {**_TEXT, "description": "as 0 3 * * *, in local time"},
                                        "keep": {**_TEXT, "description": "as 7d4w12m; default is all"},
                                    },
                                },
                                "role": {**_TEXT, "description": "what the app may do in what it attaches"},
                                "socket": {
                                    "type": "boolean",
                                    "description": "the server's Unix socket in place of its port",
                                },
                            },
                        },
                    },
                    "variables": {
                        "description": "set by hand, in clear",
                        "type": "object",
                        "additionalProperties": _TEXT,
                    },
                    "branches": {
                        "description": "other data on each branch of a git repository",
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "directory": {**_TEXT, "description": "in the repository; default is the present one"},
                            "base": {**_TEXT, "description": "the branch with the app's own data"},
                        },
                    },
                },
            },
        }
    },
}
"""JSON Schema of the file."""


OptionText = NewType("OptionText", str)
"""The value of an option; a file may have a number or a truth value in its place."""


@frozen
class ScheduleEntry:
    """The entry of an instance's backups.

    Attributes:
        cron: minute, hour, day of the month, month, day of the week, in local time.
        keep: which backups stay, such as `7d4w12m`; empty for all.
    """

    cron: str
    keep: str = ""


@frozen
class BranchesEntry:
    """The entry of an app that has other data on each branch.

    Attributes:
        directory: in the repository.
        base: the branch with the app's own data; empty for the one that is checked out.
    """

    directory: str = "."
    base: str = ""


@frozen
class AddonEntry:
    """An addon of an app.

    Attributes:
        addon: `addon[:variant]`; default is the entry's own name.
        version: of the server; empty when any will do.
        attach: name of an instance that another app has, whose variables this app receives too, instead of `addon`.
        options: values of options by their names.
        schedule: of its backups; without one the schedule is left as it is.
        role: what the app may do in what it attaches; empty for the first role of the addon.
        socket: whether the app gets the server's Unix socket in place of its port.
    """

    addon: str = ""
    version: str = ""
    attach: str = ""
    options: Mapping[str, OptionText] = attrs.field(factory=dict)
    schedule: ScheduleEntry | None = None
    role: str = ""
    socket: bool = False


@frozen
class AppEntry:
    """An app.

    Attributes:
        addons: by their names in the app: the addon's name, or an alias.
        variables: set by hand, in clear.
        branches: whose data it has on each of them; without that it is left as it is.
    """

    addons: Mapping[str, AddonEntry] = attrs.field(factory=dict)
    variables: Mapping[str, str] = attrs.field(factory=dict)
    branches: BranchesEntry | None = None


@frozen
class Manifest:
    """All that a file says, by the names of apps."""

    apps: Mapping[str, AppEntry] = attrs.field(factory=dict)


def parse_manifest(text: str, name: str) -> Manifest:
    """Read the text of a file.

    Args:
        text: of the file.
        name: of the file, for messages.

    Raises:
        InvalidInput: it is no TOML, or has an unknown key, a value of another type or an impossible name.
    """
    attempted = f"cannot use {name}"
    try:
        manifest = _structured(attempted, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(attempted, f"it is not TOML: {error}", "see `addonkit manifest --help`") from None
    for app, entry in manifest.apps.items():
        _check_app(f"{attempted}: apps.{app}", app, entry)
    return manifest


def manifest_text(manifest: Manifest) -> str:
    """Return the text of a file that says this; what is empty is left out."""
    import tomli_w

    return tomli_w.dumps(manifest_tree(manifest))


def manifest_tree(value: Any) -> Any:
    """Return a manifest, or a part of one, as a tree of plain values; fields that are empty are left out."""
    if attrs.has(type(value)):
        fields = attrs.asdict(value, recurse=False)
        return {name: manifest_tree(each) for name, each in fields.items() if each}
    if isinstance(value, Mapping):
        return {key: manifest_tree(each) for key, each in value.items()}
    return value


def _check_app(attempted: str, app: str, entry: AppEntry) -> None:
    try:
        check_app_name(app)
        for key, text in entry.variables.items():
            check_posix_name(key)
            check_text(key, text)
        for label, addon in entry.addons.items():
            _check_addon(label, addon)
    except AddonkitError as error:
        raise InvalidInput(f"{attempted}", f"{error.attempted}, {error.found}", error.advice) from None


def _check_addon(label: str, entry: AddonEntry) -> None:
    if entry.attach and (entry.addon or entry.version or entry.options or entry.schedule):
        attempted = f"cannot make {label}"
        raise InvalidInput(attempted, "it names both an addon and an instance to attach", "name one of them")
    if entry.role and not entry.attach:
        raise InvalidInput(f"cannot make {label}", "a role is of what an app attaches", "name the instance in attach")
    if AddonSpec.parse(entry.addon or label).addon != label:
        check_alias(label)


def _structured(attempted: str, tree: Mapping[str, Any]) -> Manifest:
    from cattrs.errors import BaseValidationError

    try:
        return _converter().structure(tree, Manifest)
    except BaseValidationError as error:
        found, advice = _first_fault(error)
        raise InvalidInput(attempted, found, advice) from None


def _first_fault(error: Exception, path: str = "") -> tuple[str, str]:
    """Return where the first fault is and what it is; advice for a key that is not known."""
    from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

    if isinstance(error, BaseValidationError):
        inner = error.exceptions[0]
        note = next(iter(getattr(inner, "__notes__", ())), None)
        step = str(getattr(note, "name", "")) or _key_of(note)
        return _first_fault(inner, f"{path}.{step}" if path and step else path or step)
    if isinstance(error, ForbiddenExtraKeysError):
        import difflib

        key = min(error.extra_fields)
        known = [field.name for field in attrs.fields(error.cl)]
        near = difflib.get_close_matches(key, known, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(known)}"
        return f"{f'{path}.' if path else ''}{key} is not known", advice
    found = "it is not a table" if isinstance(error, AttributeError) else str(error)
    return f"{path}: {found}", "see `addonkit manifest --help`"


def _key_of(note: object) -> str:
    return str(getattr(note, "index", ""))


def _converter() -> Converter:
    """Return a converter that refuses keys that are not known and changes no types."""
    from cattrs import Converter

    made = Converter(forbid_extra_keys=True, prefer_attrib_converters=True)
    made.register_structure_hook(str, _only_text)
    made.register_structure_hook(bool, _only_truth)
    made.register_structure_hook_func(lambda kind: kind is OptionText, _option_text)
    return made


def _option_text(value: Any, _: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no value of an option; put it into quotes")
    return value


def _only_truth(value: Any, _: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _only_text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text; put it into quotes")
    return value
