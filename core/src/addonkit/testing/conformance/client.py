"""Uses what an app gets: the one thing that only the author of an addon can tell the kit."""

from __future__ import annotations

import abc
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Final

from addonkit.errors import NotFound

GROUP: Final = "addonkit.conformance"
"""Entry points that name clients, each under the name of its addon."""


class ConformanceClient(abc.ABC):
    """An app of one addon, as the kit needs it: it knows its variables and nothing else.

    Use the parts where the addon gives parts (host, user, database, prefix), not only the URL: the kit puts one
    variable of another app in the place of the app's own and expects to be refused.

    Attributes:
        not_applicable: checks that the addon cannot pass honestly, each with the reason that users read; a name, or
            `name[variant]`, as pytest has it without `test_`.
        limit: seconds that one call may take.
    """

    not_applicable: ClassVar[Mapping[str, str]] = {}
    limit: ClassVar[float] = 30.0

    @abc.abstractmethod
    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value. Raise when the service refuses or does not answer."""

    @abc.abstractmethod
    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """Return the value, or None when the service has none. Raise when it refuses or does not answer."""

    def keys(self, environ: Mapping[str, str]) -> Collection[str] | None:
        """Return names of all that an app can see where its values are; None when the service lists nothing.

        Ask as an intruder would, past the app's own place: others must not be seen, even by name.
        """
        del environ
        return None

    @contextmanager
    def session(self, environ: Mapping[str, str]) -> Iterator[Callable[[str], Any] | None]:
        """Open one connection, keep it, and yield a function that reads a key on it; None without connections.

        The function raises when the service refuses or has ended the connection. It is called in one thread. Where the
        service shows what its sessions do, let the statement hold the key as text.
        """
        del environ
        yield None

    def knows(self, environ: Mapping[str, str]) -> bool | None:
        """Return whether the service still knows a login, whatever that opens; None where `read` shows it.

        Name no database or bucket, or one that is always there: a login can outlive what it was made for.
        Raise where the service does not answer.
        """
        del environ
        return None

    def listing(self, environ: Mapping[str, str]) -> Collection[str] | None:
        """Return all that an app can list beside its values: databases, users, sessions and what they do.

        Ask as an intruder would; leave out what is refused. None when the service lists nothing.
        """
        del environ
        return None

    def facts(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return what the server itself says: its `version`, and words of the variant's config as they stand there."""
        del environ
        return {}

    def rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return actions, in words of your own, and whether the service must let this app do them.

        List some of both kinds. None are known by default.
        """
        del environ
        return {}

    def reader_rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return the same for an app that was attached with the role `read-only`."""
        del environ
        return {}

    def attempt(self, environ: Mapping[str, str], action: str) -> None:
        """Do one of these actions. Raise when the service refuses it, and return when it only fails otherwise."""
        raise NotImplementedError(action)

    def kinds(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return the kinds of things that an app can keep beside values, as `function`; by default none."""
        del environ
        return ()

    def make(self, environ: Mapping[str, str], kind: str) -> None:
        """Keep one thing of a kind."""
        raise NotImplementedError(kind)

    def look(self, environ: Mapping[str, str], kind: str) -> str:
        """Return what an app sees of the thing that `make` keeps. Raise without one, or return another text."""
        raise NotImplementedError(kind)

    def change(self, environ: Mapping[str, str], kind: str) -> bool:
        """Change what the thing that `make` keeps holds, and nothing else; False by default: that is not tried."""
        del environ, kind
        return False

    @contextmanager
    def service(self) -> Iterator[Mapping[str, str]]:
        """For an addon that needs a service elsewhere: run one, and give the addon's settings for it.

        Many checks use it one after the other; what one leaves behind is not held against the next.
        """
        yield {}

    def left_behind(self, settings: Mapping[str, str]) -> Collection[str]:
        """For the same: names of everything that is on the service now."""
        del settings
        return ()


def find_client(addon: str) -> ConformanceClient:
    """Return the client that a distribution names for an addon.

    Raises:
        NotFound: when none does.
    """
    found = _named(addon, tuple(sys.path))
    if found is not None:
        made = found.load()
        client: ConformanceClient = made() if isinstance(made, type) else made
        return client
    raise NotFound(
        f"cannot test addon {addon}",
        "no distribution says how an app uses it",
        f"write a ConformanceClient and name it in pyproject.toml, group {GROUP}, as {addon}",
    )


@cache
def _named(addon: str, path: tuple[str, ...]) -> EntryPoint | None:
    """Return the entry point of a client; looked up once, as that reads the metadata of every distribution."""
    del path  # on which it depends
    return next(iter(entry_points(group=GROUP, name=addon)), None)
