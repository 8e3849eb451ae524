"""Checks that secrets stay where they belong."""

from __future__ import annotations

import stat
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

import psutil

from addonkit.errors import AddonkitError
from addonkit.models.secret import Secret
from addonkit.saga.faults import InjectedFault, at
from addonkit.testing.conformance.rig import SEEN_SECRETS, Rig
from addonkit.testing.conformance.running import synchronous
from addonkit.testing.conformance.verdict import fail, require

HOSTILE: Final = "aB3@x:y/z#q%41?w&e=r+t"
"""Characters that mean something in URLs; what follows makes each secret another one."""

LONGEST_LOG: Final = 10_000_000
"""Bytes of a file that are looked at."""


class SecrecyChecks:
    """On a real instance of each variant."""

    @synchronous
    async def test_secrets_are_marked(self, rig: Rig, variant: str) -> None:
        """A variable that contains a secret is one; so is a URL with a password in it."""
        with patch.object(Secret, "generate", _recorded):
            async with rig.kit() as kit:
                binding = await kit.create(rig.spec(variant), "shop")
                secret = {v.text for v in binding.variables if v.sensitive} | _generated(rig)
                SEEN_SECRETS.update(secret)
                for variable in binding.variables:
                    shows = any(len(text) >= 16 and text in variable.text for text in secret)
                    require(
                        variable.sensitive or not (shows or _has_password(variable.text)),
                        f"variable {variable.key} shows a secret and is not marked",
                        "give Variable a Secret as its value",
                    )
                await rig.destroy(kit, "shop")

    @synchronous
    async def test_passwords_of_any_kind_work_in_urls(self, rig: Rig, variant: str) -> None:
        """Every part of a URL is percent-encoded, so that an app that decodes it gets what was meant."""
        with patch.object(Secret, "generate", _hostile):
            async with rig.kit() as kit:
                try:
                    binding = await kit.create(rig.spec(variant), "shop")
                except AddonkitError as error:
                    fail(f"with a password like {HOSTILE} it fails: {error}", "quote passwords where they are written")
                for variable in binding.variables:
                    if "://" in variable.text:
                        _check_url(variable.key, variable.text)
                environ = binding.environ()
                await rig.write(environ, "encoded")
                await rig.expect(environ, "encoded", f"with a password like {HOSTILE}")
                await rig.destroy(kit, "shop")

    @synchronous
    async def test_secrets_are_seen_nowhere(self, rig: Rig, variant: str) -> None:
        """Not in a command line, an event, an error, a log, nor a file that others may read."""
        with patch.object(Secret, "generate", _recorded):
            _made.clear()
            async with rig.kit() as kit:
                environ = await rig.create(kit, variant, "shop")
                await rig.write(environ, "something")
                with at("before:" + rig.subject.creating(variant)[0].step_names[-1], _fail):
                    try:
                        await rig.create(kit, variant, "blog")
                    except AddonkitError as error:
                        _check("an error", "".join(traceback.format_exception(error)))
                _check("an event", "\n".join(each.message for each in rig.events))
                _check("a command line", "\n".join(_command_lines()))
                for path in _files(rig.home):
                    _check_file(rig.home, path)
                await rig.destroy(kit, "shop")
                await rig.destroy(kit, "blog")


_made: list[str] = []
_generate = Secret.generate


def _recorded(length: int = 40) -> Secret:
    made = _generate(length)
    _made.append(made.reveal())
    SEEN_SECRETS.add(made.reveal())
    return made


def _hostile(length: int = 40) -> Secret:
    made = Secret(HOSTILE + _generate(length).reveal())
    SEEN_SECRETS.add(made.reveal())
    return made


def _generated(rig: Rig) -> set[str]:
    return {text for text in SEEN_SECRETS if text not in rig.settings.values()}


def _secrets() -> set[str]:
    return {text for text in SEEN_SECRETS if len(text) >= 16}


def _check(where: str, text: str) -> None:
    found = [secret for secret in _secrets() if secret in text]
    require(not found, f"{where} shows a secret", "hand secrets over in files of their own, as Secret values")


def _check_file(home: Path, path: Path) -> None:
    """A server's own data may hold secrets, where nobody else can read it; its log may not."""
    name = str(path.relative_to(home))
    text = path.read_bytes()[:LONGEST_LOG].decode("latin-1")
    if path.name == "log" or _is_readable(home, path):
        _check(f"file {name}", text)


def _is_readable(home: Path, path: Path) -> bool:
    """Whether others of the machine can open it: every directory on the way lets them pass."""
    way = [path, *(each for each in path.parents if each.is_relative_to(home))]
    return bool(path.stat().st_mode & stat.S_IROTH) and all(each.stat().st_mode & stat.S_IXOTH for each in way[1:])


def _files(home: Path) -> Iterator[Path]:
    return (path for path in home.rglob("*") if path.is_file() and not path.is_symlink())


def _command_lines() -> Iterable[str]:
    for process in psutil.process_iter(["cmdline"]):
        yield " ".join(process.info["cmdline"] or ())


def _has_password(text: str) -> bool:
    return "://" in text and bool(urlsplit(text).password)


def _check_url(key: str, text: str) -> None:
    advice = "make it with Access.url, or quote each part with urllib.parse.quote(part, safe='')"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        fail(f"{key} is not a URL: {error}", advice)
    del port
    password = unquote(url.password or "")
    require(
        not password or password in SEEN_SECRETS,
        f"the password in {key} reads as another one",
        advice,
    )


def _fail() -> None:
    raise InjectedFault("asked for by the conformance kit")
