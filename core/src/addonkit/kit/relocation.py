"""Tells what is stored in a home that it has another path, and its servers other ports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from addonkit.models.compute import Pool
from addonkit.models.execution import Execution
from addonkit.models.instance import Association, Instance
from addonkit.models.secret import Secret
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction


@frozen
class Relocation:
    """The changes of a relocation.

    Attributes:
        old: path of the home before; empty when that stays.
        new: path of the home from now on.
        ports: number before to number from now on.
        hosts: where its servers listen besides loopback.
    """

    old: str = ""
    new: str = ""
    ports: Mapping[int, int] = attrs.field(factory=dict)
    hosts: frozenset[str] = frozenset()

    def apply(self, value: Any, key: str = "") -> Any:
        """Return a value with every path below the home, and every loopback address of its servers, changed.

        A number counts as a port where its key says so, or where it is a whole text.
        """
        if isinstance(value, Secret):
            return Secret(self._text(value.reveal()))
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self.ports.get(value, value) if "port" in key else value
        if isinstance(value, Mapping):
            return {name: self.apply(each, key if "port" in key else str(name)) for name, each in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(self.apply(each, key) for each in value)
        return value

    def _text(self, text: str) -> str:
        if text.isdigit() and int(text) in self.ports:
            return str(self.ports[int(text)])
        if self.old and self.old != self.new:
            text = _with_path(text, self.old, self.new)
            text = _with_path(text, quote(self.old), quote(self.new))  # as in URLs
        return self._addresses.sub(self._address, text)

    @property
    def _addresses(self) -> re.Pattern[str]:
        hosts = "|".join(
            re.escape(f"[{each}]" if ":" in each else each) for each in ("127.0.0.1", "localhost", *self.hosts)
        )
        return re.compile(rf"((?:{hosts}):)(\d{{1,5}})(?!\d)")

    def _address(self, found: re.Match[str]) -> str:
        port = int(found[2])
        return f"{found[1]}{self.ports.get(port, port)}"


async def relocate(store: Store, relocation: Relocation, pools: Mapping[str, Pool] | None = None) -> None:
    """Rewrite, in one transaction, what apps receive, and the journals that later instances are made from.

    Args:
        store: of the home.
        relocation: what changes.
        pools: pools at their new ports, by name.
    """
    await store.transact(lambda tx: _rewrite(tx, relocation, pools or {}))


def _rewrite(tx: Transaction, relocation: Relocation, pools: Mapping[str, Pool]) -> None:
    for name, pool in pools.items():
        found = tx.get(Pool, name)
        if found is not None:
            tx.put(found, pool)
    for instance in tx.list(Instance).items:
        value = instance.value
        changed = attrs.evolve(
            value,
            variables=_variables(relocation, value.variables),
            socket_variables=_variables(relocation, value.socket_variables),
            attributes=relocation.apply(value.attributes),
        )
        if changed != value:
            tx.put(instance, changed)
    for association in tx.list(Association).items:
        tie = association.value
        rewritten = attrs.evolve(
            tie,
            plain=_variables(relocation, tie.plain),
            variables=_variables(relocation, tie.variables),
            by_port=_variables(relocation, tie.by_port),
            attributes=relocation.apply(tie.attributes),
        )
        if rewritten != tie:
            tx.put(association, rewritten)
    for execution in tx.list(Execution).items:
        steps = tuple(attrs.evolve(step, output=relocation.apply(step.output)) for step in execution.value.steps)
        if steps != execution.value.steps:
            tx.put(execution, attrs.evolve(execution.value, steps=steps))


def _variables(relocation: Relocation, variables: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(attrs.evolve(each, value=relocation.apply(each.value)) for each in variables)


def _with_path(text: str, old: str, new: str) -> str:
    return re.sub(rf"{re.escape(old)}(?=/|$)", lambda _: new, text)
