"""The definition of an addon: its variants, settings and options, and the programs that run it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs

from addonkit.models.options import LISTEN, OptionDefinition, Options
from addonkit.util.values import frozen

CONFIG_IMAGE: Final = "_image"
"""Key of a variant's config under which the resolved image reference is handed to an addon."""

CONFIG_VERSION: Final = "_version"
"""Key of a variant's config under which the resolved version of the server program is handed over."""

CONFIG_DIGEST: Final = "_digest"
"""Key of a variant's config under which the digest that the image had when it was checked is kept."""

CONFIG_PROGRAMS: Final = "_programs"
"""Key of an instance's config under which the directory of its programs, its clients included, is kept."""

NO_CONFIG: Final[Mapping[str, str]] = {}

SHARED: Final = "shared"
"""Name of the variant whose instances live together on one server."""


class LocalityMode(StrEnum):
    """The place where an addon's backing resources run."""

    ON_CLUSTER = "on_cluster"
    REMOTE = "remote"
    IN_APP = "in_app"


def is_shared_variant(name: str) -> bool:
    """Return whether this is the variant whose instances share a server: exactly `shared`."""
    return name == SHARED


@frozen
class TlsCheck:
    """A check that a program was built with TLS.

    Attributes:
        argv: arguments that make the first executable print it.
        pattern: regular expression that is found in what such a program prints, and in no other's.
        advice: how to get such a program, for people: `pip install ...`.
    """

    argv: tuple[str, ...]
    pattern: str
    advice: str = ""


@frozen
class ProgramSource:
    """The places of a server's executables on a machine, for running it without a container.

    They are looked for in this order: directories the operator configured, `PATH`, `directories`,
    `wheels`. All `executables` must be in one directory.

    Attributes:
        executables: names, the server itself first; `valkey-server|redis-server` means either.
        directories: glob patterns of further directories.
        wheels: `package:folder/in/package` of wheels that carry the executables; never imported.
        version_argv: arguments that make the first executable print its version.
        version_pattern: regular expression whose first group is the version, as `18.6`.
        oldest: the oldest version of each series that may run, in order: `("8.0.6", "8.1.4")` takes 8.0.6, 8.1.4 and
            9.0.0, but not 8.1.3 or 7.2.11. Empty means any. A series is the first two numbers.
        tls: how to tell which programs have TLS; None when none has.
        needs_tls: whether only programs with TLS will do; see `with_tls`.
    """

    executables: tuple[str, ...]
    directories: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    version_argv: tuple[str, ...] = ("--version",)
    version_pattern: str = r"(\d+(?:\.\d+)*)"
    oldest: tuple[str, ...] = ()
    tls: TlsCheck | None = None
    needs_tls: bool = False

    @property
    def with_tls(self) -> ProgramSource:
        """Return the same source for a server that needs TLS."""
        return attrs.evolve(self, needs_tls=True)


@frozen
class VariantDefinition:
    """A size or shape of an addon.

    Attributes:
        name: the word the user types after the colon.
        description: one line.
        details: what users are shown, in this order.
        config: what the addon itself reads; `storage` is checked to be a size such as `1Gi`.
        variables: names of the variables it gives, where they differ from the addon's.
        settings: names of settings of the addon that must have a value for this variant.
        program: where its server's executables are found, where that differs from the addon's.
        is_cache: whether its data may be lost at any time: there is nothing to back up then.
    """

    name: str
    description: str = ""
    details: Mapping[str, str] = attrs.field(factory=dict)
    config: Mapping[str, str] = attrs.field(factory=dict)
    variables: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    program: ProgramSource | None = None
    is_cache: bool = False


@frozen
class SettingDefinition:
    """Something that the operator tells an addon once, for all its instances.

    Attributes:
        name: small letters, digits and `_`; `ADDONKIT_<ADDON>_<NAME>` in the environment wins over what is stored.
        description: one line.
        secret: whether the value is sealed and hidden.
        default: used when no value is set; None means that the operator must set one before a create.
        choices: the only values allowed; empty when any text is.
        in_steps: whether steps receive it; False for one that only bounds what users may choose.
    """

    name: str
    description: str = ""
    secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    in_steps: bool = True


@frozen
class ShellDefinition:
    """A program in which a person works with an instance, as `psql`; see `addonkit shell`.

    In `commands` and `environment`, `{VALKEY_HOST}` stands for a variable that the instance gives, under its plain
    name; braces that stand for themselves are doubled. The program receives all variables of the instance anyway.

    Attributes:
        commands: each a program and its arguments. The first whose program is found is run. Secrets are refused there:
            every user of a machine can read arguments.
        environment: variables that the program needs besides, such as `{"REDISCLI_AUTH": "{VALKEY_PASSWORD}"}`.
        module: Python module that is run with `python -m` where none of the programs is found; empty for none.
    """

    commands: tuple[tuple[str, ...], ...] = ()
    environment: Mapping[str, str] = attrs.field(factory=dict)
    module: str = ""


@frozen
class AddonDefinition:
    """An addon's metadata and variants.

    Attributes:
        name: the word the user types; equal to the entry point's name.
        display_name: for people.
        description: one line.
        default_variant: name of one of `variants`.
        variants: at least one, names unique.
        base_image: container image without a tag; empty when nothing runs in a container.
        default_version: tag used when no version is asked for.
        locality: where the backing resources run.
        program: where the server's executables are found; None when nothing runs on this machine.
        variables: names of the variables an app gets, in order, so that a plan can tell them beforehand.
        tls_variables: names of those that it gets besides from a server that listens for other machines.
        settings: what the operator can tell it, see SettingDefinition.
        sockets: whether apps may reach its servers through their Unix socket, `create --socket`: its `variables` then
            heed `ConnectionInfo.socket`.
        shell: the program in which a person works with an instance; None when there is none.
        unset_variables: names of the same family that must not reach an app from the shell, such as `PGSERVICE`; a
            trailing `*` stands for any ending. Variables that the app itself receives are kept.
        imports: what its `addon_restore` can load besides archives: `file`, `folder`, schemes of URLs such as `redis`.
            The reader then has one member: `import/file`, or `import/url`, whose content is the URL. Of a folder it has
            one for each file, such as `import/folder/css/site.css`. What the origin holds is compared by the addon.
        options: what users can choose of each instance, see OptionDefinition.
        roles: what the credentials of an app may do, names to one line each; an app gets the first unless it is
            attached with another one. `Association.role` names it. Empty when all apps may do the same.
    """

    name: str
    display_name: str
    description: str
    default_variant: str
    variants: tuple[VariantDefinition, ...]
    base_image: str = ""
    default_version: str = ""
    locality: LocalityMode = LocalityMode.ON_CLUSTER
    program: ProgramSource | None = None
    variables: tuple[str, ...] = ()
    tls_variables: tuple[str, ...] = ()
    settings: tuple[SettingDefinition, ...] = ()
    unset_variables: tuple[str, ...] = ()
    shell: ShellDefinition | None = None
    sockets: bool = False
    imports: tuple[str, ...] = ()
    options: tuple[OptionDefinition, ...] = ()
    roles: Mapping[str, str] = attrs.field(factory=dict)

    def options_of(self, variant: str) -> Options:
        """Return the options of the instances of a variant."""
        chosen = self.variant(variant)
        config = chosen.config if chosen else {}
        return Options(self.name, variant, self.options, config, is_shared_variant(variant))

    @property
    def listens(self) -> bool:
        """Return whether servers can listen for other machines, with TLS."""
        return any(each.name == LISTEN for each in self.options)

    def variables_of(self, variant: str, config: Mapping[str, str] = NO_CONFIG) -> tuple[str, ...]:
        """Return names of the variables that an instance of this variant, with this config, gives."""
        chosen = self.variant(variant)
        names = (chosen.variables if chosen else ()) or self.variables
        return (*names, *self.tls_variables) if config.get(LISTEN) else names

    def program_of(self, variant: str, config: Mapping[str, str] = NO_CONFIG) -> ProgramSource | None:
        """Return where the executables of a variant's server are found; None when nothing runs on this machine.

        With a config that says where the server listens, only those with TLS are found.
        """
        chosen = self.variant(variant)
        program = (chosen.program if chosen else None) or self.program
        return program.with_tls if program and config.get(LISTEN) else program

    def variant(self, name: str) -> VariantDefinition | None:
        """Return the variant of that name, or None."""
        for each in self.variants:
            if each.name == name:
                return each
        return None

    def setting(self, name: str) -> SettingDefinition | None:
        """Return the setting of that name, or None."""
        return next((each for each in self.settings if each.name == name), None)
