"""Which program is opened for an instance, with whose login."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from addonkit.errors import Busy, ContractViolation, NotFound
from addonkit.kit.shells import shell_session
from addonkit.models.definition import CONFIG_PROGRAMS, ShellDefinition
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable

INSTANCE = Instance("i1", "shop-kv", "kv", "shop", "small", config={CONFIG_PROGRAMS: "/programs"}, phase=Phase.ACTIVE)
PLAIN = (Variable("KV_HOST", "127.0.0.1"), Variable("KV_PASSWORD", Secret("s3cret")))
SHELL = ShellDefinition(commands=(("kv-cli", "-h", "{KV_HOST}"),), environment={"AUTH": "{KV_PASSWORD}"}, module="kv")


def tie(app: str, **changes: Any) -> Association:
    made = Association(f"a-{app}", app, "i1", "kv", phase=Phase.ACTIVE, plain=PLAIN, unset_variables=("KV_*",))
    return attrs.evolve(made, **changes)


def test_the_program_gets_what_the_addon_names() -> None:
    session = shell_session(SHELL, INSTANCE, [tie("shop")], None)

    assert session.commands == (("kv-cli", "-h", "127.0.0.1"),)
    assert session.values == {"KV_HOST": "127.0.0.1", "KV_PASSWORD": "s3cret", "AUTH": "s3cret"}
    assert (session.unset, session.programs, session.module) == (("KV_*",), ("/programs",), "kv")
    assert "s3cret" not in repr(session)


def test_the_login_is_the_one_of_the_app_it_was_made_for_or_of_the_named_one() -> None:
    ties = [tie("blog"), tie("shop"), tie("wiki")]

    assert shell_session(SHELL, INSTANCE, ties, None).app == "shop"
    assert shell_session(SHELL, INSTANCE, ties, "wiki").app == "wiki"
    assert shell_session(SHELL, INSTANCE, ties[:1], None).app == "blog"


@pytest.mark.parametrize(
    ("shell", "ties", "error", "found"),
    [
        (None, [tie("shop")], NotFound, "the addon kv has none"),
        (SHELL, [], NotFound, "no app is attached to it"),
        (SHELL, [tie("shop", phase=Phase.PENDING)], Busy, "shop has no login yet"),
        (ShellDefinition(commands=(("kv-cli", "{KV_PASSWORD}"),)), [tie("shop")], ContractViolation, "it is a secret"),
        (ShellDefinition(commands=(("kv-cli", "{KV_PORT}"),)), [tie("shop")], ContractViolation, "does not give it"),
        (ShellDefinition(environment={"A": "{KV_PORT}"}), [tie("shop")], ContractViolation, "does not give it"),
    ],
)
def test_what_cannot_be_opened_is_told(
    shell: ShellDefinition | None, ties: list[Association], error: type[Exception], found: str
) -> None:
    with pytest.raises(error, match=found) as caught:
        shell_session(shell, INSTANCE, ties, None)
    assert "s3cret" not in str(caught.value)
