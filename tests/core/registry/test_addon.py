"""The typed way to one addon: its answers are checked, its faults are named."""

from __future__ import annotations

import pytest

from addonkit.errors import Conflict, ContractViolation, TransientError
from addonkit.models.app import Variant
from addonkit.models.instance import Server
from addonkit.models.result import BindResult, ProvisionResult
from addonkit.models.variable import Variable
from addonkit.registry.registry import Registry
from addonkit.saga.saga import Saga
from addonkit.saga.step import step

SMALL = Variant("small")


@step(gives="result", undo=None)
async def give_text() -> str:
    """Give some text."""
    return ""


@step(gives="result", undo=None)
async def give_binding() -> BindResult:
    """Give a binding."""
    return BindResult()


def addon_answering(fake, **answers):
    registry = Registry()
    registry.register(fake.answering(**answers), "test-addon")
    return registry.get("test-addon")


def test_an_addon_tells_who_ships_it(installed):
    vault = installed("good-vault").get("vault")
    assert (vault.name, vault.distribution, vault.version) == ("vault", "Acme.Vault", "0.3")
    assert vault.definition.display_name == "Vault"


def test_capabilities_are_the_optional_hooks_it_answers(installed):
    registry = installed("good-memo", "good-vault")
    assert registry.get("memo").capabilities == frozenset()
    assert registry.get("vault").capabilities == {"adjust_env_vars", "bind", "unbind", "inspect", "drop_claim"}


def test_every_verb_reaches_the_addon_with_its_arguments(installed, app, instance, association):
    vault = installed("good-vault").get("vault")
    server = Server("vault-s1", "vault", "shared:x")
    assert vault.provision(app, Variant("box"), instance).values == {"name": "shop-k3x9abcdef-box"}
    assert vault.deprovision(instance).values == {"name": "k3x9abcdef"}
    assert vault.bind(association, instance).values == {"key": "b2b2b2b2b2"}
    assert vault.unbind(association, instance).values == {"key": "b2b2b2b2b2", "vault": "k3x9abcdef"}
    assert vault.inspect(server).values == {"server_name": "vault-s1"}
    assert vault.drop_claim(server, "lost").values == {"server_name": "vault-s1", "claim": "lost"}


def test_the_answers_of_one_addon_never_come_from_another(installed, app, instance, association):
    registry = installed("good-memo", "good-vault")
    registry.list_addons()
    assert registry.get("memo").provision(app, SMALL, instance).name == "memo.provision"
    assert registry.get("vault").provision(app, SMALL, instance).name == "vault.provision"
    with pytest.raises(ContractViolation, match=r"asking addon memo of acme-memo 1\.2\.0 for addon_bind: .* no such"):
        registry.get("memo").bind(association, instance)


def test_without_an_answer_of_its_own_the_whole_set_gets_the_prefix(installed, result, association):
    adjusted = installed("good-memo").get("memo").adjust_env_vars(result, association, ["MEMO_URL"])
    assert [each.key for each in adjusted] == ["NOTES_MEMO_URL", "NOTES_MEMO_PASSWORD"]
    assert [each.text for each in adjusted] == ["memo://x", "geheim"]
    assert [each.sensitive for each in adjusted] == [False, True]


def test_an_addon_may_adjust_the_names_itself(installed, result, association):
    adjusted = installed("good-vault").get("vault").adjust_env_vars(result, association, ["MEMO_URL"])
    assert [each.key for each in adjusted] == ["VAULT_OF_SHOP_MEMO_URL", "VAULT_OF_SHOP_MEMO_PASSWORD"]


def test_an_addon_that_adjusts_nothing_leaves_it_to_the_core(fake, result, association):
    adjusted = addon_answering(fake, adjust=None).adjust_env_vars(result, association, [])
    assert [each.key for each in adjusted] == ["NOTES_MEMO_URL", "NOTES_MEMO_PASSWORD"]


def test_a_bad_adjustment_is_refused(fake, result, association):
    addon = addon_answering(fake, adjust=[Variable("NEW_URL", "memo://x")])
    with pytest.raises(ContractViolation, match="for addon_adjust_env_vars: it answered 1 variables where 2"):
        addon.adjust_env_vars(result, association, [])


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (None, "it answered NoneType, not a Saga"),
        ("a saga", "it answered str, not a Saga"),
        (Saga("test.empty", steps=[]), "no step of saga test.empty gives a result"),
        (Saga("test.text", steps=[give_text]), "the result of saga test.text is str, not ProvisionResult"),
        (Saga("test.bound", steps=[give_binding]), "the result of saga test.bound is BindResult, not ProvisionResult"),
        (KeyError("x"), "it raised KeyError: 'x'"),
        (SystemExit(2), "it raised SystemExit: 2"),
    ],
)
def test_an_answer_against_the_contract_names_the_addon(fake, app, instance, answer, fault):
    with pytest.raises(ContractViolation) as error:
        addon_answering(fake, provision=answer).provision(app, SMALL, instance)
    assert error.value.attempted == "asking addon test-addon of the program itself for addon_provision"
    assert error.value.found == fault
    assert error.value.addon == "test-addon"


def test_a_violation_names_distribution_and_version_and_keeps_the_cause(installed, app, instance):
    memo = installed("good-memo").get("memo")
    memo.relay.add(_policy_raising(ZeroDivisionError("by nought")))
    with pytest.raises(ContractViolation) as error:
        memo.provision(app, SMALL, instance)
    assert isinstance(error.value.__cause__, ZeroDivisionError)


def _policy_raising(error):
    from addonkit.hookspecs import hookimpl
    from addonkit.registry.discovery import PLUGINS, Entry
    from addonkit.registry.relay import PluginRef

    class Policy:
        @hookimpl(wrapper=True)
        def addon_provision(self):
            yield
            raise error

    return PluginRef(Entry("strict", PLUGINS, "acme-strict", "1"), Policy())


def test_the_one_who_raised_is_to_blame(installed, app, instance, fake):
    memo = installed("good-memo").get("memo")
    memo.relay.add(_policy_raising(ZeroDivisionError()))
    with pytest.raises(ContractViolation, match="asking plugin strict of acme-strict 1") as error:
        memo.provision(app, SMALL, instance)
    assert error.value.distribution == "acme-strict"

    broken = addon_answering(fake, provision=KeyError("x"))
    broken.relay.add(_policy_raising(ZeroDivisionError()))
    with pytest.raises(ContractViolation, match="asking addon test-addon") as error:
        broken.provision(app, SMALL, instance)
    assert "unless it comes from a policy around it (strict)" in error.value.advice


@pytest.mark.parametrize("raised", [Conflict("creating", "no room"), TransientError("asking", "no answer")])
def test_what_is_raised_on_purpose_passes_through_as_it_is(fake, app, instance, raised):
    with pytest.raises(type(raised)) as error:
        addon_answering(fake, provision=raised).provision(app, SMALL, instance)
    assert error.value is raised


def test_a_binding_must_promise_a_bind_result(fake, association, instance):
    addon = addon_answering(fake, bind=Saga("test.bind", steps=[give_binding]))
    assert addon.bind(association, instance).name == "test.bind"
    with pytest.raises(ContractViolation, match="is ProvisionResult, not BindResult"):
        addon_answering(fake, bind=fake.provision).bind(association, instance)


def test_a_saga_without_a_result_is_enough_for_removing(fake, instance):
    addon = addon_answering(fake, deprovision=Saga("test.gone", steps=[]))
    assert addon.deprovision(instance).name == "test.gone"


def test_a_subclass_of_the_promised_result_is_welcome(fake, app, instance):
    class Richer(ProvisionResult):
        pass

    async def enrich():
        return Richer()

    enrich.__annotations__ = {"return": Richer}
    saga = Saga("test.rich", steps=[step(gives="result", undo=None)(enrich)])
    assert addon_answering(fake, provision=saga).provision(app, SMALL, instance) is saga
