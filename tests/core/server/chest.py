"""An addon that does everything a platform can ask for, and waits or fails where a test wants it to."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import attrs

from addonkit import (
    AddonDefinition,
    BindResult,
    Fingerprint,
    Instance,
    OptionDefinition,
    Part,
    ProgramSource,
    ProvisionResult,
    Retry,
    Saga,
    Secret,
    Variable,
    VariantDefinition,
    hookimpl,
)
from addonkit.saga.step import step

ONCE = Retry(attempts=1)


@attrs.define
class Chest:
    """An addon whose instances hold words, and whose bindings have keys of their own.

    Attributes:
        held: word for the step that does not end before `let_go`; `entered` tells that it runs.
        failing: words for steps that fail.
        contents: words by instance, which move with it.
        keys: of bindings that work, by association and instance.
        config: options in force, by instance.
        made: how many were provisioned.
        version: of new ones; `programs` is a pattern of directories with the program that has it.
    """

    held: str = ""
    failing: set[str] = attrs.field(factory=set)
    contents: dict[str, list[str]] = attrs.field(factory=dict)
    keys: dict[tuple[str, str], str] = attrs.field(factory=dict)
    config: dict[str, str] = attrs.field(factory=dict)
    made: int = 0
    version: str = ""
    programs: str = ""
    entered: asyncio.Event = attrs.field(factory=asyncio.Event)
    gate: asyncio.Event = attrs.field(factory=asyncio.Event)

    def let_go(self) -> None:
        self.held = ""
        self.gate.set()

    async def _pass(self, word: str) -> None:
        if self.held == word:
            self.entered.set()
            await self.gate.wait()
        if word in self.failing:
            raise ValueError(f"{word} failed")

    @hookimpl
    def addon_definition(self) -> AddonDefinition:
        variants = (
            VariantDefinition("small", "A chest"),
            VariantDefinition("wide", "A wide chest"),
            VariantDefinition("box", "A box that keeps nothing", is_cache=True),
        )
        options = (OptionDefinition("colour", default="red"), OptionDefinition("wood", changeable=False))
        names = ("CHEST_URL",)
        texts = ("chest", "Chest", "Keeps words", "small")
        program = ProgramSource(("chestd",), directories=(self.programs,)) if self.programs else None
        more = {"default_version": self.version, "program": program}
        return AddonDefinition(*texts, variants, variables=names, options=options, **more)

    @hookimpl
    def addon_provision(self, instance: Instance) -> Saga[ProvisionResult]:
        @step(gives="result", retry=ONCE)
        async def provision(instance: Instance) -> ProvisionResult:
            await self._pass("provision")
            self.made += instance.id not in self.contents
            self.contents.setdefault(instance.id, [])
            return ProvisionResult()

        @provision.undo
        async def _(instance: Instance) -> None:
            self.contents.pop(instance.id, None)

        return Saga("chest.provision", steps=[provision])

    @hookimpl
    def addon_deprovision(self, instance: Instance) -> Saga[None]:
        @step(undo=None, retry=ONCE)
        async def deprovision() -> None:
            await self._pass("deprovision")
            self.contents.pop(instance.id, None)

        return Saga("chest.deprovision", steps=[deprovision])

    @hookimpl
    def addon_bind(self, association: Any, instance: Instance) -> Saga[BindResult]:
        @step(gives="result", retry=ONCE)
        async def bind() -> BindResult:
            await self._pass("bind")
            key = hashlib.sha256(association.id.encode()).hexdigest()[:32]
            self.keys[association.id, instance.id] = key
            url = f"chest://{association.id}:{key}@localhost:7001/{instance.id}"
            return BindResult((Variable("CHEST_URL", Secret(url), sensitive=True),))

        @bind.undo
        async def _() -> None:
            self.keys.pop((association.id, instance.id), None)

        return Saga("chest.bind", steps=[bind])

    @hookimpl
    def addon_unbind(self, association: Any, instance: Instance) -> Saga[None]:
        @step(undo=None, retry=ONCE)
        async def unbind() -> None:
            await self._pass("unbind")
            self.keys.pop((association.id, instance.id), None)

        return Saga("chest.unbind", steps=[unbind])

    @hookimpl
    def addon_configure(self, instance: Instance, config: Any) -> Saga[None]:
        @step(undo=None, retry=ONCE)
        async def configure() -> None:
            await self._pass("configure")
            self.config[instance.id] = config["colour"]

        return Saga("chest.configure", steps=[configure])

    def _fingerprint(self, instance: Instance) -> Fingerprint:
        words = self.contents[instance.id]
        return Fingerprint((Part("words", len(words), hashlib.sha256("\n".join(words).encode()).hexdigest()),))

    @hookimpl
    def addon_fingerprint(self, instance: Instance) -> Saga[Fingerprint]:
        @step(gives="result", undo=None)
        async def look() -> Fingerprint:
            return self._fingerprint(instance)

        return Saga("chest.fingerprint", steps=[look])

    @hookimpl
    def addon_backup(self, instance: Instance) -> Saga[Fingerprint]:
        @step(gives="result", undo=None)
        async def dump(archive: Any) -> Fingerprint:
            async def content() -> AsyncIterator[bytes]:
                yield "\n".join(self.contents[instance.id]).encode()

            async with archive.writing() as writer:
                await writer.write("words", content())
                found = self._fingerprint(instance)
                await writer.finish(found)
            return found

        return Saga("chest.backup", steps=[dump])

    @hookimpl
    def addon_restore(self, instance: Instance) -> Saga[None]:
        @step(undo=None, retry=ONCE)
        async def load(archive: Any) -> None:
            async with archive.reading() as reader:
                async for member in reader.members():
                    text = b"".join([chunk async for chunk in member.content()]).decode()
                    self.contents[instance.id] = text.splitlines()
            await self._pass("load")

        return Saga("chest.restore", steps=[load])
