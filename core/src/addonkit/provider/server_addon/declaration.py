"""Declarations of a server addon: what its author fills in, and the values that its functions receive. No I/O."""

from __future__ import annotations

import abc
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from typing import Any, Final, Protocol
from urllib.parse import quote

import attrs

from addonkit.errors import ComputeError, TransientError
from addonkit.models.identifiers import sanitize_identifier
from addonkit.models.instance import Instance, Server
from addonkit.models.secret import Secret
from addonkit.util.unix_sockets import trusted_socket
from addonkit.util.values import frozen

ADMIN_PASSWORD: Final = "admin_password"  # noqa: S105 - the name of an attribute, not a password
"""Attribute of a Server that holds the password made with it."""

OTHER_PASSWORD: Final = "other_admin_password"  # noqa: S105 - the name of an attribute, not a password
"""Attribute of a Server whose administrator's password is being replaced: the server may have this one instead."""

PASSWORD: Final = "password"  # noqa: S105 - the name of an attribute, not a password
"""Attribute of an Instance that holds what its tenant logs in with."""

Progress = Callable[[str], Any]
"""Takes one sentence and shows it to the user."""


Stopped = Callable[[], AbstractAsyncContextManager[None]]
"""Stops a server for a block, and starts it after the block; programs beside it can be run meanwhile."""


@frozen
class ContainerSpec:
    """A server in a container of its image; see Program for how it runs without one.

    Attributes:
        command: empty means the image's own.
        env: environment of the container.
        mount: where it sees the server's disk.
    """

    command: tuple[str, ...] = ()
    env: Mapping[str, str | Secret] = attrs.field(factory=dict)
    mount: str = "/data"


class Pipe(Protocol):
    """Runs a program beside a server, see ProviderFramework.pipe_in_pool."""

    def __call__(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, content: AsyncIterable[bytes] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream `content` into the program, and give its output as it comes."""
        ...


def _no_pipe(
    argv: Sequence[str], env: Mapping[str, str] | None = None, content: AsyncIterable[bytes] | None = None
) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
    del env, content
    raise ComputeError(f"cannot run {argv[0]}", "nothing is known that runs programs beside this server")


@frozen
class ServerAccess:
    """The way into a server that was just proved to be the one it started.

    Attributes:
        server: its record.
        host: where it answers.
        port: where it answers.
        socket: path of its Unix socket, empty without one; see `open_socket`.
        pipe: runs a program of the server's beside it, such as one that dumps; see Pipe.
    """

    server: Server
    host: str
    port: int
    socket: str = ""
    pipe: Pipe = _no_pipe

    @contextmanager
    def open_socket(self) -> Iterator[str]:
        """Yield a path by which a client can connect to the socket while the block lasts; empty without a socket.

        No other user of the machine can stand in for the server there. The path is short enough for the system.
        Send a password to the port only where the path is empty.

        Raises:
            TransientError: when the socket's directory does not exist, or others can write in it.
        """
        with ExitStack() as opened:
            try:
                path = opened.enter_context(trusted_socket(self.socket)) if self.socket else ""
            except OSError as error:
                raise TransientError(f"working on server {self.server.id}", f"no way to its socket: {error}") from error
            yield path

    @property
    def password(self) -> Secret:
        """The administrator's."""
        return admin_password(self.server)

    @property
    def passwords(self) -> tuple[Secret, ...]:
        """The administrator's, and one that the server may have instead while it is being replaced."""
        other = self.server.attributes.get(OTHER_PASSWORD)
        return (self.password, other) if other else (self.password,)

    def with_password(self, password: Secret) -> ServerAccess:
        """Return the same way in with one password of the administrator's."""
        attributes = {ADMIN_PASSWORD: password}
        kept = {name: value for name, value in self.server.attributes.items() if name != OTHER_PASSWORD}
        return attrs.evolve(self, server=attrs.evolve(self.server, attributes={**kept, **attributes}))


@frozen
class Tenant:
    """One instance, as the server it lives on sees it.

    Attributes:
        claim: its name on the server, unique among its tenants.
        owner: the instance's id, which tells its own things from those of others.
        config: of its variant.
        password: what it logs in with, if that is known: of instances that are loaded it is.
        logins: names of the logins of its apps to their passwords, where `find_changed` is asked about them.
    """

    claim: str
    owner: str
    config: Mapping[str, str]
    password: Secret | None = None
    logins: Mapping[str, Secret] = attrs.field(factory=dict)


@frozen
class Login:
    """The login of one app.

    Attributes:
        name: unique on the server; has a `.`, as no claim has.
        password: of it.
        role: what it may do, one of the definition's `roles`; empty for the first of them.
    """

    name: str
    password: Secret
    role: str = ""


@frozen
class ConnectionInfo:
    """The connection of an app to what it has: variables are made of it.

    Attributes:
        host: of the server.
        port: of the server.
        claim: the app's name on the server; empty when the addon knows no tenants.
        password: the app's own; the server's when the addon knows no tenants.
        shared: whether other apps live on the server.
        ports: of the server besides that one, by the names that the addon gave them.
        socket: path of the server's Unix socket, for an app that is to use it in place of host and port; else empty.
            Only an addon whose definition has `sockets` is asked with one.
        user: name of the app's own login; empty where tenants have none, and the claim is what it logs in with.
        ca_file: path of the certificates that the app is to verify the server's with, at `host`; empty for a server
            that listens on loopback alone, without TLS. Only an addon with LISTEN_OPTION is asked with one.
    """

    host: str
    port: int
    claim: str
    password: Secret
    shared: bool
    ports: Mapping[str, int] = attrs.field(factory=dict)
    socket: str = ""
    user: str = ""
    ca_file: str = ""

    @property
    def login(self) -> str:
        """The name that the app logs in with."""
        return self.user or self.claim

    def url(self, scheme: str, *, user: str = "", path: str = "") -> Secret:
        """Return a URL with the password in it, its parts percent-encoded (RFC 3986, section 2.1), IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        who = f"{quote(user, safe='')}:{quote(self.password.reveal(), safe='')}"
        where = f"/{quote(path, safe='')}" if path else ""
        return Secret(f"{scheme}://{who}@{host}:{self.port}{where}")


class Tenants(abc.ABC):
    """The work inside a server for the instances that live on it: users, databases, rules.

    A dedicated server has one tenant, a shared one many. Every verb is safe to repeat: "there already and this
    tenant's" and "gone already" are success. Drivers are imported inside the methods, so that an addon loads fast.

    Attributes:
        longest_claim: characters a name on the server may have.
        reserved: names that no tenant may have.

    Three more verbs make an addon one whose data are backed up, restored and proved. They are found by their presence:

        async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint
        async def load(self, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None
        async def fingerprint(self, access: ServerAccess, tenant: Tenant) -> Fingerprint

    `dump` writes members and returns the fingerprint of exactly what it wrote; `load` fills a tenant that was just
    created, and first empties one that a former attempt has filled; `fingerprint` is equal for equal data. With a
    fourth verb users can mask data in a copy before an app gets it; it runs a script with the rights of the tenant:

        async def transform(self, access: ServerAccess, tenant: Tenant, script: str) -> None

    Two further verbs let a tenant move to another variant or version without loss: after `freeze` no session of the
    tenant can write, `thaw` takes that back. One more tells how much a tenant holds:

        async def freeze(self, access: ServerAccess, tenant: Tenant) -> None
        async def thaw(self, access: ServerAccess, tenant: Tenant) -> None
        async def usage(self, access: ServerAccess, tenant: Tenant) -> Usage

    A tenant may be filled at once with what another tenant of its server has. This verb answers whether it was:

        async def copy(self, access: ServerAccess, source: str, tenant: Tenant) -> bool

    A server of its own may be filled with all that another one has. Both run one version. `claim` is the tenant's on
    the source, which keeps serving. `async with stopped()` stops the target for a block, in which `access.pipe` still
    runs programs. No login of the source may fit on the target, from its first second. Answer False only while
    the target is as it was:

        async def copy_server(
            self, access: ServerAccess, tenant: Tenant, source: ServerAccess, claim: str, stopped: Stopped
        ) -> bool

    Where the server itself makes such a copy of one moment, block by block, this verb spares reading both: it answers
    what can be told without that, definitions and sizes, and is equal for a tenant and its copy:

        async def outline(self, access: ServerAccess, tenant: Tenant) -> Fingerprint

    A move shows what is otherwise in the new place. It does not begin where that lacks what a tenant uses:

        async def facts(self, access: ServerAccess, tenant: Tenant) -> Facts

    With a last one, options hold that are set for each tenant inside the server, see OptionDefinition. It brings into
    force what differs between `former`, a config, and `tenant.config`; for a new tenant `former` is empty:

        async def configure(self, access: ServerAccess, tenant: Tenant, former: Mapping[str, str]) -> None

    One keeps a tenant from writing to a disk that is nearly full, and lets it write again. It can delete all the while:

        async def limit_writes(self, access: ServerAccess, tenant: Tenant, *, denied: bool) -> None

    An option named `extensions` comes with two verbs that list and update them:

        async def extensions(self, access: ServerAccess, tenant: Tenant) -> tuple[Extension, ...]
        async def update_extension(self, access: ServerAccess, tenant: Tenant, extension: str) -> None

    Three more give each app a login of its own, which can be replaced and revoked:

        async def add_login(self, access: ServerAccess, tenant: Tenant, login: Login) -> None
        async def remove_login(self, access: ServerAccess, tenant: Tenant, name: str) -> None
        async def count_sessions(self, access: ServerAccess, tenant: Tenant, name: str) -> int

    With this verb the administrator's password can be replaced while apps use the server. Afterwards the administrator
    can log in with each of them; on a server that keeps one password, with the last:

        async def set_admin_passwords(self, access: ServerAccess, passwords: Sequence[Secret]) -> None

    Meanwhile log in with one of `access.passwords` in all verbs: a server that keeps one may have the second already.

    A server that listens for other machines, see LISTEN_OPTION, gets another certificate from time to time. With this
    verb it reads the files of the new one while it runs, for new sessions. Without the verb the server restarts:

        async def reload_certificate(self, access: ServerAccess) -> None

    Where the three verbs of logins are there, `create_tenant` makes no login. What any login makes belongs to the
    tenant, and `variables` use `ConnectionInfo.login`. `remove_login` ends the sessions of the login. In instances of
    an older release its name may be the claim: then it is closed and stays. `remove_tenant` removes all logins as well.
    """

    longest_claim: int = 63
    reserved: Container[str] = frozenset()

    def wanted_claim(self, app: str) -> str:
        """Return the name that an app gets on the server where it is free; with a suffix otherwise."""
        return sanitize_identifier(app, self.longest_claim)

    @abc.abstractmethod
    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Let a tenant in, with this password; the first line of this docstring is what users read."""

    @abc.abstractmethod
    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: Progress) -> None:
        """Remove a tenant and all its data from a shared server, and nothing else."""

    @abc.abstractmethod
    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """Return names of all tenants that the server itself knows."""

    async def find_lost(self, access: ServerAccess, claims: Collection[str]) -> tuple[str, ...]:
        """Return those claims whose tenants are not on the server, or lack something that they cannot do without.

        By default those that `list_claims` does not name.
        """
        known = await self.list_claims(access)
        return tuple(sorted(set(claims) - set(known)))

    async def find_changed(self, access: ServerAccess, tenants: Sequence[Tenant]) -> tuple[str, ...]:
        """Return the claims of those with a login whose password on the server is not that of `Tenant.logins` any more.

        An app may have changed it. By default none: most servers do not let an app do that.
        """
        del access, tenants
        return ()

    async def find_outdated(self, access: ServerAccess, claims: Collection[str]) -> tuple[str, ...]:
        """Return those claims whose rights on the server are those of a former release of the addon.

        A restart of the server brings them up to date. By default none.
        """
        del access, claims
        return ()

    async def find_hogs(self, access: ServerAccess, claims: Collection[str]) -> Mapping[str, str]:
        """Return those claims that use up what all tenants of a server share, with what each holds.

        A restart of the server ends that. By default none.
        """
        del access, claims
        return {}

    @abc.abstractmethod
    async def drop_claim(self, access: ServerAccess, claim: str, progress: Progress) -> None:
        """Remove what carries that name and belongs to no instance."""


def admin_password(server: Server) -> Secret:
    """Return the administrator's password, made with the server."""
    password: Secret = server.attributes[ADMIN_PASSWORD]
    return password


def tenant_of(instance: Instance, claim: str) -> Tenant:
    """Return an instance as the server it lives on sees it."""
    return Tenant(claim, instance.id, instance.config, instance.attributes.get(PASSWORD))
