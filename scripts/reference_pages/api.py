"""The page about the names that an author imports, from their docstrings."""

from __future__ import annotations

import ast
import enum
import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any, Final

import attrs

import addonkit
from addonkit import api
from addonkit.errors import AddonkitError, NothingDone, Retryable
from addonkit.saga import step as step_module
from public_names import members_of
from reference_pages.prose import prose, signature

_SHOWN: Final = (property, cached_property, classmethod, staticmethod)

_HEAD: Final = """\
# The names an author imports

Written from the docstrings by `scripts/write_reference.py`.

An addon imports from `addonkit` and, for its tests, from [`addonkit.testing`](testing.md): nothing deeper is promised
to stay. Every name is there on first use, so that importing `addonkit` costs nothing.
[Write an addon](../tutorial/write-an-addon.md) shows them at work, [hooks](hooks.md) when they are asked for, and
[contract stability](../explanation/contract-stability.md) how they change.
"""

GROUPS: Final = {
    "What an addon says about itself": (
        "AddonDefinition", "VariantDefinition", "SettingDefinition", "ShellDefinition", "ProgramSource", "LocalityMode",
        "OptionDefinition", "OptionType", "amount_of", "Extension", "Extensions", "LISTEN_OPTION", "TlsCheck",
        "is_shared_variant", "CONFIG_IMAGE", "CONFIG_VERSION",
    ),
    "A server, declared": (
        "ServerAddon", "Program", "DiskTemplate", "File", "Probe", "ContainerSpec", "ConnectionInfo", "admin_password",
        "Certificate", "Tenants", "Login", "Tenant", "ServerAccess", "Stopped", "Progress",
    ),
    "Variables and secrets": ("Variable", "Secret", "reveal"),
    "What hooks are given": (
        "hookimpl", "App", "Variant", "Instance", "Association", "Server", "Phase", "Event", "EventKind",
    ),
    "What sagas give": ("ProvisionResult", "BindResult", "Sessions", "Usage", "Inventory"),
    "Backups": (
        "Archive", "ArchiveWriter", "ArchiveReader", "Member", "ArchiveManifest", "Fingerprint", "Part", "SetDigest",
        "describe_differences", "Fact", "Facts",
    ),
    "Sagas": ("step", "Step", "Saga", "Retry", "Sagas"),
    "Pools, services and disks": (
        "ProviderFramework", "CreateSandboxPoolSpec", "Port", "Mount", "Volume", "Pool", "Service", "Address", "Disk",
        "ExecResult",
    ),
    "Servers of an addon that writes its own sagas": (
        "server_sagas", "ServerSagas", "ServerAddress", "volume_of", "Servers", "Tenancy", "LeaveResult",
    ),
    "Names, sizes and images": (
        "sanitize_identifier", "name_from_ref", "parse_size", "parse_storage_gb", "ImageReference", "resolve_image",
        "version_of", "AddonSpec",
    ),
    "For programs that use addons": ("open", "connect", "Kit", "Binding", "Registry"),
}  # fmt: skip
"""Where each public name stands; errors have a page of their own."""

_MADE_BY_ADDONKIT: Final = frozenset(
    {
        *("Archive", "ArchiveReader", "ArchiveWriter", "ArchiveManifest", "Member"),
        *("Binding", "Kit", "ProviderFramework", "Sagas", "Servers", "Step", "Tenants"),
        *("Cloner", "ConformanceClient", "FreshAddon"),
    }
)
"""Classes that an author never calls: made by addonkit, or subclassed."""


def public_names() -> frozenset[str]:
    """Return everything that is promised as `from addonkit import ...`."""
    return frozenset({*api.__all__, *addonkit._ABOVE})  # noqa: SLF001 - the other half of the list


def error_names() -> frozenset[str]:
    """Return those of them that are errors."""
    found = {name: getattr(addonkit, name) for name in public_names()}
    kinds = (AddonkitError, NothingDone, Retryable)
    return frozenset(name for name, value in found.items() if inspect.isclass(value) and issubclass(value, kinds))


def api_page() -> str:
    """Return the page.

    Raises:
        LookupError: for a public name that no group has, or a name of a group that is not public.
    """
    placed = {name for names in GROUPS.values() for name in names}
    astray = placed ^ (public_names() - error_names())
    if astray:
        raise LookupError(f"put into, or take out of, GROUPS of {__name__}: {', '.join(sorted(astray))}")
    return "\n".join((_HEAD, *(part for title, names in GROUPS.items() for part in _group(title, names)), _errors()))


def _group(title: str, names: tuple[str, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    if "step" in names:
        yield _engine_names()
    for name in names:
        yield f"### {name}\n"
        yield from entry(name, getattr(addonkit, name))


def _engine_names() -> str:
    return _below(step_module, "ENGINE_NAMES") + "\n"


def _errors() -> str:
    listed = ", ".join(f"`{name}`" for name in sorted(error_names()))
    return f"## Errors\n\n[Errors](errors.md) tells what each of them means: {listed}.\n"


def entry(name: str, value: Any) -> Iterator[str]:
    """Yield description of a name: signature, docstring, members."""
    if inspect.isclass(value):
        yield from _class(name, value)
    elif inspect.isfunction(value):
        yield _code(signature(name, value))
        yield from prose(docstring_of(name, value))
    else:
        if isinstance(value, str):
            yield _code(f"{name} = {value!r}")
        yield from prose(_constant_docstring(name))


def _class(name: str, value: type) -> Iterator[str]:
    if issubclass(value, enum.Enum):
        yield _code(" | ".join(f"{name}.{member.name}" for member in value))
    elif "__call__" in vars(value):
        yield _code(signature("", value.__call__, without_first=True))
    elif name not in _MADE_BY_ADDONKIT and not getattr(value, "_is_protocol", False):
        yield _code(signature(name, value).partition(" -> ")[0])
    yield from prose(docstring_of(name, value))
    methods = [method_line(name, method) for name, method in methods_of(value)]
    if methods:
        yield "Methods and properties:\n"
        yield "\n".join(methods) + "\n"


def methods_of(value: type) -> Iterator[tuple[str, Any]]:
    """Yield what a class itself defines for others; not the hooks, which have a page of their own."""
    fields = {field.name for field in attrs.fields(value)} if attrs.has(value) else set()
    for name, method in members_of(value).items():
        if name.startswith(("_", "addon_")) or name in fields:
            continue
        if isinstance(method, _SHOWN) or inspect.isfunction(method):
            yield name, method


def method_line(name: str, method: Any) -> str:
    """Return a method or property on one line: how it is called, what it does, what it raises."""
    function: Any = next(filter(None, (getattr(method, place, None) for place in ("fget", "func", "__func__"))), method)
    bound = not isinstance(method, staticmethod)
    is_property = isinstance(method, property | cached_property)
    called = name if is_property else signature(name, function, without_first=bound)
    first, *others = prose(docstring_of(name, function))
    raised = [line[len("- raises ") :] for part in others for line in part.splitlines() if line.startswith("- raises ")]
    errors = f" Raises {'; '.join(raised)}" if raised else ""
    text = " ".join(first.partition("\n\n")[0].split()) + errors
    return f"- `{' '.join(called.split()).replace('( ', '(').replace(', )', ')')}`: {text}"


def docstring_of(name: str, value: Any) -> str:
    """Return the docstring of a name. Raises LookupError for a name that says nothing of itself."""
    found = inspect.getdoc(value)
    if not found:
        raise LookupError(f"{name} has no docstring")
    return found


def _constant_docstring(name: str) -> str:
    """Return the text below the assignment of a constant, in the module that it comes from."""
    imports = (each for each in ast.walk(_tree(api)) if isinstance(each, ast.ImportFrom))
    module = next(each.module for each in imports if name in {alias.name for alias in each.names})
    return _below(import_module(str(module)), name)


def _below(module: ModuleType, name: str) -> str:
    body = _tree(module).body
    for statement, following in pairwise(body):
        if name in _assigned(statement) and isinstance(following, ast.Expr):
            return inspect.cleandoc(ast.literal_eval(following.value))
    raise LookupError(f"{name} has no docstring")


def _assigned(statement: ast.stmt) -> set[str]:
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return {each.id for each in targets if isinstance(each, ast.Name)}


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _code(text: str) -> str:
    return f"```text\n{text}\n```\n"
