"""Options of an instance: an addon declares them, a user chooses, and both are checked before a write. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from addonkit.errors import InvalidInput
from addonkit.models.option_values import EXAMPLES, SCHEMAS, OptionType, amount_of, words_of, write_value
from addonkit.util.values import frozen

LISTEN: Final = "listen"
"""Name of the option that says where a server listens for other machines, see LISTEN_OPTION."""


@frozen
class OptionDefinition:
    """Something that a user can choose of an instance: `create --set NAME=VALUE`, `set INSTANCE NAME=VALUE`.

    Its value is in the config of the variant, of the instance and of its server, under the option's name.

    Attributes:
        name: small letters, digits, `-` and `_`; the server's own word for it, where it has one.
        description: one line.
        type: see OptionType.
        default: used where a variant's config has no key of that name; empty when the server's own is left as it is.
        choices: the only values allowed; empty when the type alone decides.
        minimum: the least value allowed, written as a value; empty without a limit.
        maximum: the greatest.
        pattern: regular expression that text must match as a whole.
        restart: whether a server has to restart before a change holds.
        changeable: False when it can be chosen at create only.
        per_tenant: whether an instance of a shared server may have a value of its own.
        variants: names of variants that have it; empty means all.
        restart_words: words of a list that hold only after a restart, as what a server loads when it starts.
        allowed_by: name of a setting of the addon, whose words are the only ones allowed: the operator can change it.
    """

    name: str
    description: str = ""
    type: OptionType = OptionType.TEXT
    default: str = ""
    choices: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    pattern: str = ""
    restart: bool = False
    changeable: bool = True
    per_tenant: bool = False
    variants: tuple[str, ...] = ()
    restart_words: tuple[str, ...] = ()
    allowed_by: str = ""

    @property
    def limits(self) -> str:
        """Return what values are allowed, in words."""
        if self.choices:
            return ", ".join(self.choices)
        if self.minimum and self.maximum:
            return f"{self.minimum} to {self.maximum}"
        if self.minimum:
            return f"{self.minimum} or more"
        if self.maximum:
            return f"up to {self.maximum}"
        return "on, off" if self.type is OptionType.BOOLEAN else str(self.type)


LISTEN_OPTION: Final = OptionDefinition(
    LISTEN,
    "Address or host name of this machine at which other machines reach the server, with TLS alone",
    pattern=r"[A-Za-z0-9.:-]{1,253}",
    restart=True,
)
"""Declares that servers can listen for other machines. Put it among the options of the definition.

A server with a value for it has a `Server.certificate`, see there, and its program is one with TLS. Apps then receive
`ConnectionInfo.host`, the address, and `ConnectionInfo.ca_file`, the file of the authority that they are to trust.
"""


def normalized(option: OptionDefinition, text: str) -> str:
    """Return a value as it is stored: one way to write each.

    Raises:
        ValueError: it is none, with what it should be.
    """
    value = write_value(option.type, text)
    if value is None:
        raise ValueError(f"it is not {EXAMPLES[option.type]}")
    for word in words_of(value) if option.type is OptionType.LIST else (value,):
        if option.choices and word not in option.choices:
            near = _nearest(word, option.choices)
            raise ValueError(f"{word} is not allowed" + (f"; did you mean {near[0]}?" if near else ""))
    if option.pattern and not re.fullmatch(option.pattern, value):
        raise ValueError(f"it does not match {option.pattern}")
    amount = amount_of(option.type, value)
    for limit, wrong in ((option.minimum, "less"), (option.maximum, "more")):
        bound = amount_of(option.type, limit) if limit else None
        if amount is None or bound is None:
            continue
        if (wrong == "less" and amount < bound) or (wrong == "more" and amount > bound):
            raise ValueError(f"it is {wrong} than {limit}")
    return value


def _nearest(word: str, known: Sequence[str]) -> list[str]:
    import difflib  # slow to import, and needed for slips only

    return difflib.get_close_matches(word, known, n=1)


def check_allowed(addon: str, option: OptionDefinition, value: str, allowed: Collection[str], attempted: str) -> None:
    """Make sure that an operator allows every word of a value.

    Raises:
        InvalidInput: naming the first that is not allowed.
    """
    for word in words_of(value):
        if word not in allowed:
            near = _nearest(word, sorted(allowed))
            advice = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(sorted({*allowed}))}"
            how = f"`addonkit config set {addon} {option.allowed_by}=...` changes that"
            raise InvalidInput(attempted, f"{option.name} cannot have {word}: it is not allowed", f"{advice}; {how}")


def _moved(option: OptionDefinition, former: Mapping[str, str], values: Mapping[str, str]) -> bool:
    """Return whether a word comes or goes that needs a restart."""
    moved = {*words_of(former.get(option.name, ""))} ^ {*words_of(values.get(option.name, ""))}
    return option.type is OptionType.LIST and not moved.isdisjoint(option.restart_words)


def _check_changeable(option: OptionDefinition, attempted: str) -> None:
    if not option.changeable:
        found = f"{option.name} can be chosen at create only"
        raise InvalidInput(attempted, found, "create another instance, and move the data with export and import")


@frozen
class OptionChange:
    """Values of an instance's options that are to be in force and are not yet.

    Attributes:
        id: of this change; part of the id of its execution.
        values: option names to their new values, those of options that go back to their defaults included.
        options: what the user has chosen in all, when that is done.
        restart: whether the server restarts for it.
        problem: why it failed; the former values are in force then.
    """

    id: str
    values: Mapping[str, str]
    options: Mapping[str, str]
    restart: bool = False
    problem: str = ""


@frozen
class Options:
    """The options of one variant of an addon.

    Attributes:
        addon: name of the addon.
        variant: name of the variant.
        definitions: of the options that the addon declares.
        config: of the variant.
        shared: whether its instances live on one server together.
    """

    addon: str
    variant: str
    definitions: tuple[OptionDefinition, ...]
    config: Mapping[str, str]
    shared: bool

    @property
    def offered(self) -> tuple[OptionDefinition, ...]:
        """Those that an instance of the variant may have a value for."""
        return tuple(each for each in self.definitions if not self._hindrance(each))

    def offers(self, name: str) -> bool:
        """Return whether an instance of the variant may have a value for an option of that name."""
        for each in self.definitions:
            if each.name == name:
                return self._hindrance(each) is None
        return False

    def default(self, name: str) -> str:
        """Return the value of an option that is not chosen; empty when the server's own is left as it is."""
        option = self._known(name, f"cannot use option {name}")
        return self.config.get(option.name, option.default)

    def checked(
        self, values: Mapping[str, str], *, attempted: str, former: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return values as they are stored.

        Args:
            values: option names to texts that a user gave.
            attempted: what is done, for messages.
            former: config of the instance when it is there already.

        Raises:
            InvalidInput: the variant has no such option, or a value is not allowed.
        """
        found = {}
        for name, text in values.items():
            option = self._usable(name, attempted)
            try:
                found[option.name] = normalized(option, text)
            except ValueError as error:
                problem = f"{name} cannot be {text!r}: {error}"
                raise InvalidInput(attempted, problem, f"use {self._allowed(option)}") from None
            self._check_words(option, found[option.name], attempted)
            if former is not None and found[option.name] != former.get(option.name, self.default(option.name)):
                _check_changeable(option, attempted)
        return found

    def chosen(self, config: Mapping[str, str]) -> dict[str, str]:
        """Return what a config has besides the defaults, as far as the variant allows it."""
        found = {each.name: config[each.name] for each in self.offered if config.get(each.name)}
        other = {name: value for name, value in found.items() if value != self.default(name)}
        return {name: value for name, value in other.items() if self._allows(name, value)}

    def _allows(self, name: str, value: str) -> bool:
        try:
            return self.checked({name: value}, attempted="") == {name: value}
        except InvalidInput:
            return False

    def _check_words(self, option: OptionDefinition, value: str, attempted: str) -> None:
        """Raise InvalidInput for a word for which a server that is shared would have to restart."""
        heavy = [word for word in words_of(value) if word in option.restart_words]
        if self.shared and option.type is OptionType.LIST and heavy:
            found = f"{heavy[0]} holds for the whole server, and {self.addon}:{self.variant} shares its server"
            raise InvalidInput(attempted, found, "use a variant with a server of its own")

    def check_changeable(self, names: Collection[str], attempted: str) -> None:
        """Raise InvalidInput for a name that the variant has no option of, or that can be chosen at create only."""
        for name in names:
            _check_changeable(self._usable(name, attempted), attempted)

    def needs_restart(self, former: Mapping[str, str], values: Mapping[str, str]) -> bool:
        """Return whether one of the values holds only after a restart of the server.

        Args:
            former: config with the values that are in force.
            values: those that change.
        """
        changed = [each for each in self.definitions if values.get(each.name, "") != former.get(each.name, "")]
        return any(each.restart or _moved(each, former, values) for each in changed if each.name in values)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values of a variant."""
        properties = {each.name: self._schema_of(each) for each in self.offered}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"options of {self.addon}:{self.variant}",
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
        }

    def _schema_of(self, option: OptionDefinition) -> dict[str, Any]:
        shape: dict[str, Any] = {**SCHEMAS[option.type], "description": option.description}
        if option.choices:
            shape = {"enum": list(option.choices), "description": option.description}
        elif option.pattern:
            shape["pattern"] = f"^(?:{option.pattern})$"
        if option.type is OptionType.INTEGER:
            shape |= {"minimum": int(option.minimum)} if option.minimum else {}
            shape |= {"maximum": int(option.maximum)} if option.maximum else {}
        default = self.default(option.name)
        return {**shape, **({"default": default} if default else {})}

    def _allowed(self, option: OptionDefinition) -> str:
        if option.choices or option.minimum or option.maximum:
            return option.limits
        return EXAMPLES[option.type]

    def _usable(self, name: str, attempted: str) -> OptionDefinition:
        option = self._known(name, attempted)
        hindrance = self._hindrance(option)
        if hindrance:
            raise InvalidInput(attempted, hindrance[0], hindrance[1])
        return option

    def _known(self, name: str, attempted: str) -> OptionDefinition:
        option = next((each for each in self.definitions if each.name == name), None)
        if option is not None:
            return option
        if name == LISTEN:
            found = f"servers of {self.addon} cannot listen for other machines: they have no TLS"
            raise InvalidInput(attempted, found, "reach them through a tunnel such as `ssh -L`")
        names = [each.name for each in self.offered]
        if not names:
            raise InvalidInput(attempted, f"{self.addon}:{self.variant} has no option {name}", "it has none")
        near = _nearest(name, names)
        advice = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
        raise InvalidInput(attempted, f"{self.addon}:{self.variant} has no option {name}", advice)

    def _hindrance(self, option: OptionDefinition) -> tuple[str, str] | None:
        """Return why instances of the variant cannot have a value of their own, and what to do; None when they can."""
        if option.variants and self.variant not in option.variants:
            found = f"{self.addon}:{self.variant} has no option {option.name}"
            return found, f"use variant {' or '.join(option.variants)}"
        if self.shared and not option.per_tenant:
            found = f"{option.name} holds for the whole server, and {self.addon}:{self.variant} shares its server"
            return found, "use a variant with a server of its own"
        return None
