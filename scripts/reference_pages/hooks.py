"""The page about hooks, from the hookspecs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from addonkit import hookspecs
from reference_pages.prose import prose, signature

_HOOKS_HEAD: Final = """\
# Hooks

Written from the hookspecs by `scripts/write_reference.py`.

A hook is a function marked with `@hookimpl`. It stands in the module that an entry point names, or is a method of the
instance that it names. It takes those of the arguments it wants, by name. Hooks are synchronous and do no I/O. Those
that act return a `Saga`, a description of what would be done, and the engine does it. Everything in the examples is
imported from `addonkit`; [the names an author imports](addon-api.md) has its types. A
[`ServerAddon`](addon-api.md#serveraddon) answers all hooks that a server needs.
[Contract stability](../explanation/contract-stability.md) says how hooks come and go.

| entry-point group | what is in it | loaded |
| --- | --- | --- |
| `addonkit.addons` | addons; the entry's name is the addon's name | when first asked for |
| `addonkit.plugins` | policies, which wrap an addon's hooks, and observers | always |
| `addonkit.backends` | what runs servers | when used |

An addon must answer `addon_definition`, `addon_provision` and `addon_deprovision`. Every other hook is a capability:
having the hook is having it.
"""


def hooks_page() -> str:
    """Return the page about hooks."""
    groups = (("What an addon answers", hookspecs.AddonSpecs), ("What an observer answers", hookspecs.ObserverSpecs))
    return "\n".join((_HOOKS_HEAD, *(line for title, specs in groups for line in _group(title, specs))))


def hook_names(specs: type) -> tuple[str, ...]:
    """Return names of the hooks that a class of hookspecs declares, in its order."""
    return tuple(name for name in vars(specs) if name.startswith("addon_"))


def _group(title: str, specs: type) -> Iterator[str]:
    yield f"## {title}\n"
    for name in hook_names(specs):
        yield from _hook(name, vars(specs)[name])


def _hook(name: str, spec: Any) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"```text\n{signature(name, spec, without_first=True)}\n```\n"
    yield from prose(inspect.getdoc(spec) or "")
