"""Names that an addon chose stay while it is away."""

from __future__ import annotations

from addonkit import Registry
from addonkit.controller.variables import adjuster
from addonkit.models.instance import Association, Phase
from addonkit.models.variable import Variable

PLAIN = (Variable("URL", "u"), Variable("HOST", "h"))
CHOSEN = (Variable("MAIN_URL", "u"), Variable("MAIN_HOST", "h"))


def a_tie(variables: tuple[Variable, ...]) -> Association:
    return Association("a", "shop", "i", "acme", plain=PLAIN, variables=variables, phase=Phase.ACTIVE)


def names(tie: Association, used: set[str]) -> list[str]:
    return [variable.key for variable in adjuster(Registry())(tie, ("URL",), used)]


def test_a_set_keeps_the_names_that_its_addon_gave_it() -> None:
    assert names(a_tie(CHOSEN), {"URL"}) == ["MAIN_URL", "MAIN_HOST"]


def test_values_are_those_of_now() -> None:
    older = tuple(Variable(each.key, "old") for each in CHOSEN)
    assert adjuster(Registry())(a_tie(older), ("URL",), {"URL"}) == CHOSEN


def test_a_set_gets_a_prefix_when_its_names_are_used_or_it_has_none() -> None:
    assert names(a_tie(CHOSEN), {"URL", "MAIN_HOST"}) == ["ACME_URL", "ACME_HOST"]
    assert names(a_tie(PLAIN), {"URL"}) == ["ACME_URL", "ACME_HOST"]
    assert names(a_tie(()), {"URL"}) == ["ACME_URL", "ACME_HOST"]
