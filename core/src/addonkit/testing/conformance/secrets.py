"""Checks that secrets stay where they belong."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Iterable
from typing import Final
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

import psutil

from addonkit.engine.failpoints import InjectedFault, at
from addonkit.errors import AddonkitError
from addonkit.kit.bootstrap import open
from addonkit.kit.kit import Kit
from addonkit.models.identifiers import new_id
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable
from addonkit.testing.conformance.applicability import not_applicable
from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.audit_hooks import Audit, auditing
from addonkit.testing.conformance.files import files_below, is_readable, temporary_since, text_of
from addonkit.testing.conformance.forgery import password_in
from addonkit.testing.conformance.rig import Rig
from addonkit.testing.conformance.secret_tracker import SHORTEST, is_seen, remember, shown_in

HOSTILE: Final = "aB3@x:y/z#q%41?w&e=r+t"
"""Characters that mean something in URLs; what follows makes each secret another one."""

_PATIENCE: Final = 5.0
"""Seconds until it is clear what an addon says of a secret that is refused."""

_HAND_OVER: Final = "hand secrets over in files of their own, as Secret values"


class SecretChecks:
    """On a real instance of each variant."""

    @synchronous
    async def test_secrets_are_marked(self, rig: Rig, variant: str) -> None:
        """A variable that contains a secret is one; so is a URL with a password in it. None can be guessed."""
        with patch.object(Secret, "generate", _recorded):
            async with rig.kit() as kit:
                binding = await rig.bind(kit, variant, "shop")
                passwords = {found for variable in binding.variables if (found := password_in(variable.text))}
                secret = {v.text for v in binding.variables if v.sensitive} | passwords
                remember(secret)
                for variable in binding.variables:
                    _check_marked(variable, secret)
                await rig.destroy(kit, "shop")

    @synchronous
    async def test_passwords_of_any_kind_work_in_urls(self, rig: Rig, variant: str) -> None:
        """Every part of a URL is percent-encoded, so that an app that decodes it gets what was meant."""
        with patch.object(Secret, "generate", _hostile):
            async with rig.kit() as kit:
                try:
                    environ = await rig.create(kit, variant, "shop")
                except AddonkitError as error:
                    fail(f"with a password like {HOSTILE} it fails: {error}", "quote passwords where they are written")
                for key, text in environ.items():
                    if "://" in text:
                        _check_url(key, text)
                await rig.write(environ, "encoded")
                await rig.expect(environ, "encoded", f"with a password like {HOSTILE}")
                await rig.destroy(kit, "shop")

    @synchronous
    async def test_secrets_are_seen_nowhere(self, rig: Rig, variant: str) -> None:
        """Not in a command line, an event, an error, a log, the environment, nor a file that others may read."""
        with patch.object(Secret, "generate", _recorded), auditing(rig.under_test.package) as audit:
            async with rig.kit() as kit:
                environ = await rig.create(kit, variant, "shop")
                await rig.write(environ, "something")
                await _fail_once(rig, kit, variant)
                _check("an event", "\n".join(each.message for each in rig.events))
                _check("the environment of this process", "\n".join(os.environ.values()))
                _check("a command line", "\n".join(_command_lines()))
                _check_files(rig, audit)
                await rig.destroy(kit, "shop")
                await rig.destroy(kit, "blog")
            _check("an event", "\n".join(each.message for each in rig.events))
        _check("the command line of a program that it started", "\n".join(audit.started))
        _check("what it logs or prints", audit.said.getvalue())

    @synchronous
    async def test_a_secret_that_is_refused_is_not_shown(self, rig: Rig, variant: str) -> None:
        """An operator's secret that the service does not take is in no error and no event."""
        wrong = {
            each.name: f"wrong-{new_id()}-{new_id()}" for each in rig.under_test.definition.settings if each.secret
        }
        remember(wrong.values())
        if not wrong:
            not_applicable("no setting of it is secret")
        told = {rig.variable(name): text for name, text in wrong.items()}
        async with open(rig.home, environ={**rig.environ, **told}, on_event=rig.events.append) as kit:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await rig.create(kit, variant, "shop")
            except AddonkitError as error:
                _check("an error", "".join(traceback.format_exception(error)))
            except TimeoutError:
                pass  # Compensation needs the secret too, and is tried again and again.
            _check("an event", "\n".join(each.message for each in rig.events))
        async with rig.kit() as kit:
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "what could not be created was destroyed")


async def _fail_once(rig: Rig, kit: Kit, variant: str) -> None:
    """Let another instance fail at its last step."""
    with at("before:" + rig.under_test.creating(variant)[0].step_names[-1], _fail):
        try:
            await rig.create(kit, variant, "blog")
        except AddonkitError as error:
            _check("an error", "".join(traceback.format_exception(error)))


_generate = Secret.generate


def _recorded(length: int = 40) -> Secret:
    made = _generate(length)
    remember([made.reveal()])
    return made


def _hostile(length: int = 40) -> Secret:
    made = Secret(HOSTILE + _generate(length).reveal())
    remember([made.reveal()])
    return made


def _check(where: str, text: str, advice: str = _HAND_OVER) -> None:
    require(not shown_in(text), f"{where} shows a secret", advice)


def _check_marked(variable: Variable, secret: Iterable[str]) -> None:
    if variable.sensitive:
        text = f"variable {variable.key} is secret and has only {len(variable.text)} characters"
        advice = f"use Secret.generate(), or at least {SHORTEST} characters by chance; leave what is no secret unmarked"
        require(len(variable.text) >= SHORTEST, text, advice)
        return
    shows = shown_in(variable.text, secret) or password_in(variable.text)
    require(
        not shows, f"variable {variable.key} shows a secret and is not marked", "give Variable a Secret as its value"
    )


def _check_files(rig: Rig, audit: Audit) -> None:
    """Expect no secret in logs and in what is stored; a server's data may hold one where no other user reads it."""
    for path in files_below(rig.home):
        name = str(path.relative_to(rig.home))
        if path.name == "log" or is_readable(path, rig.home):
            _check(f"file {name}", text_of(path))
        if path.parent == rig.home and path.name.startswith("state.db"):
            _check("what is stored", text_of(path), "let steps give, and keep in attributes, Secrets and not texts")
    elsewhere = {*audit.written, *temporary_since(audit.began)}
    for path in sorted(each for each in elsewhere if not each.is_relative_to(rig.home)):
        if path.is_file() and is_readable(path):
            _check(f"file {path}", text_of(path))


def _command_lines() -> Iterable[str]:
    for process in psutil.process_iter(["cmdline"]):
        yield " ".join(process.info["cmdline"] or ())


def _check_url(key: str, text: str) -> None:
    advice = "make it with ConnectionInfo.url, or quote each part with urllib.parse.quote(part, safe='')"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        fail(f"{key} is not a URL: {error}", advice)
    del port
    password = unquote(url.password or "")
    require(
        not password or is_seen(password),
        f"the password in {key} reads as another one",
        advice,
    )


def _fail() -> None:
    raise InjectedFault("asked for by the conformance kit")
