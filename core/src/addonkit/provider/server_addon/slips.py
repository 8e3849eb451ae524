"""Finds slips in a ServerAddon's declaration that would otherwise be seen only when a server runs. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from addonkit.models.certificate import Certificate
from addonkit.models.compute import Program
from addonkit.models.definition import CONFIG_VERSION, AddonDefinition, VariantDefinition, is_shared_variant
from addonkit.models.instance import Server
from addonkit.models.options import LISTEN
from addonkit.models.secret import Secret, reveal
from addonkit.provider.server_addon.declaration import ADMIN_PASSWORD

_WORD: Final = re.compile(r"(?<![{$])\{([A-Za-z_]+)(?::([^{}]+))?\}(?!\})")
_KNOWN: Final = ("disk", "port", "run", "sockets")
_LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)
_ALIKE: Final = 0.5
"""How alike a word must be to a placeholder to be taken for one that is misspelt."""


def find_slips(
    definition: AddonDefinition,
    variant: VariantDefinition,
    program: Callable[[Server], Program | None],
    ports: Collection[str],
) -> Iterator[str]:
    """Yield what is wrong with the program of a variant, in words.

    Args:
        definition: of the addon.
        variant: of it.
        program: gives the program of a server; one that raises for a server made up here is not judged.
        ports: names of all ports.
    """
    server = _example(definition, variant)
    try:
        answer = program(server)
    except Exception:  # noqa: BLE001 - it may need what a real server has; creating one tells
        return
    if answer is None and definition.program is None:
        return  # it runs in containers alone
    if not isinstance(answer, Program):
        yield f"its `program` answers {type(answer).__name__} for variant {variant.name}; return a Program"
        return
    if definition.options_of(variant.name).offers(LISTEN):
        yield from _listening(variant, program, server)
    has_disk = "storage" in variant.config
    for text in _texts(answer):
        for word, name in _WORD.findall(text):
            for slip in _placeholder(word, name, ports, has_disk=has_disk):
                yield f"variant {variant.name}: {slip}"


def _listening(
    variant: VariantDefinition, program: Callable[[Server], Program | None], server: Server
) -> Iterator[str]:
    """Yield what a program lacks of a server that listens for other machines."""
    certificate = Certificate("a certificate", Secret("the key of a certificate"), ("192.0.2.1",), _LATER)
    given = attrs.evolve(server, config={**server.config, LISTEN: certificate.names[0]}, certificate=certificate)
    try:
        answer = program(given)
    except Exception:  # noqa: BLE001 - as above
        return
    if answer is None:
        return
    written = "\0".join([reveal(file.content) for file in answer.files])
    for part, text in (("text", certificate.text), ("key", certificate.key.reveal())):
        if text not in written:
            yield f"variant {variant.name}: it has option {LISTEN}, and no file has `server.certificate.{part}`"
    if not answer.source.needs_tls:
        yield f"variant {variant.name}: a program with a certificate needs a source `with_tls`"
    if certificate.names[0] not in "\0".join((*answer.argv, written)):
        yield f"variant {variant.name}: it has option {LISTEN}, and its program does not use `server.listen`"


def _placeholder(word: str, name: str, ports: Collection[str], *, has_disk: bool) -> Iterator[str]:
    if word == "port" and name and name not in ports:
        yield f"{{port:{name}}} is not one of its ports ({', '.join(ports)})"
    if word == "disk" and not has_disk:
        yield "its program uses {disk}, and the variant has no `storage` in its config"
    if word not in _KNOWN and (near := difflib.get_close_matches(word, _KNOWN, n=1, cutoff=_ALIKE)):
        yield f"{{{word}}} is no placeholder; did you mean {{{near[0]}}}?"


def _texts(program: Program) -> Iterator[str]:
    """Yield texts in which placeholders are expected; what files contain may have braces of its own."""
    yield from program.argv
    for command in program.prepare:
        yield from command
    for command in program.template.prepare if program.template else ():
        yield from command
    for file in (*program.files, *program.prepare_files):
        yield file.path
    yield from map(reveal, program.env.values())


def _example(definition: AddonDefinition, variant: VariantDefinition) -> Server:
    key = "shared:example" if is_shared_variant(variant.name) else "example"
    config = {**variant.config, CONFIG_VERSION: definition.default_version}
    attributes = {ADMIN_PASSWORD: Secret("an-example-of-a-password-of-some-length")}
    return Server(f"{definition.name}-example", definition.name, key, config=config, attributes=attributes)
