"""Prepares the program in which a person works with an instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from addonkit.errors import Busy, ContractViolation, InvalidInput, NotFound
from addonkit.models.definition import CONFIG_PROGRAMS, ShellDefinition
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.variable import Variable, names_in
from addonkit.util.values import frozen


@frozen
class ShellSession:
    """A program to work in, with the login of one app.

    Attributes:
        instance: its name.
        app: whose login it uses.
        commands: each a program and its arguments; the first that is found is to be run.
        module: Python module to run where none is found; empty for none.
        variables: of the instance, under plain names, and those that the programs need.
        unset: names that must not reach the program from the shell; a trailing `*` stands for any ending.
        programs: directories of client programs that fit the server.
    """

    instance: str
    app: str
    commands: tuple[tuple[str, ...], ...]
    module: str
    variables: tuple[Variable, ...]
    unset: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """Names to values in clear."""
        return {variable.key: variable.text for variable in self.variables}


def shell_session(
    shell: ShellDefinition | None, instance: Instance, associations: Sequence[Association], app: str | None
) -> ShellSession:
    """Return the program that the addon names, with the login of an app.

    Raises:
        NotFound: there is no shell, or no app is attached.
        Busy: the app has no login yet.
        ContractViolation: the addon puts a secret into an argument, or names a variable that it does not give.
    """
    attempted = f"cannot open a shell for {instance.name}"
    if shell is None:
        advice = f"run `addonkit run -a {instance.app} -- COMMAND` with a client of your own"
        raise NotFound(attempted, f"the addon {instance.addon} has none", advice)
    association = _login(attempted, instance, associations, app)
    # Not every client takes the path of a socket in the place of a host.
    plain = (association.by_port or instance.variables) if association.socket else association.plain
    given = {variable.key: variable for variable in plain}
    try:
        return ShellSession(
            instance.name,
            association.app,
            tuple(tuple(_argument(word, given) for word in command) for command in shell.commands),
            shell.module,
            (*plain, *(_variable(key, text, given) for key, text in shell.environment.items())),
            association.unset_variables,
            tuple(filter(None, (instance.config.get(CONFIG_PROGRAMS, ""),))),
        )
    except InvalidInput as error:
        raise ContractViolation(attempted, str(error), addon=instance.addon) from error


def _login(attempted: str, instance: Instance, associations: Sequence[Association], app: str | None) -> Association:
    """Return the tie whose credentials are used: the app's, else that of the app it was made for, else the first."""
    wanted = [each for each in associations if app is None or each.app == app]
    wanted.sort(key=lambda each: (each.app != instance.app, each.order, each.id))
    if not wanted:
        raise NotFound(attempted, "no app is attached to it", f"run `addonkit attach {instance.name} -a APP` first")
    if wanted[0].phase is not Phase.ACTIVE:
        raise Busy(attempted, f"{wanted[0].app} has no login yet", f"run `addonkit retry {instance.name}` first")
    return wanted[0]


def _argument(word: str, given: Mapping[str, Variable]) -> str:
    return word.format_map({name: _shown(name, given) for name in names_in(word)})


def _shown(name: str, given: Mapping[str, Variable]) -> str:
    variable = _given(name, given)
    if variable.sensitive:
        raise InvalidInput(f"cannot put {name} into an argument", "it is a secret", "put it into the environment")
    return variable.text


def _variable(key: str, text: str, given: Mapping[str, Variable]) -> Variable:
    names = names_in(text)
    value = text.format_map({name: _given(name, given).text for name in names})
    return Variable(key, value, any(given[name].sensitive for name in names))


def _given(name: str, given: Mapping[str, Variable]) -> Variable:
    if name not in given:
        raise InvalidInput(f"cannot use the variable {name}", "the addon does not give it", "name one that it gives")
    return given[name]
