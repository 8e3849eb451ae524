"""Each addon is imported and checked alone: good ones work, bad ones are named in one line."""

from __future__ import annotations

import pytest

from addonkit.errors import AddonBroken, InvalidName
from addonkit.hookspecs import hookimpl
from addonkit.models.definition import AddonDefinition, VariantDefinition
from addonkit.registry.discovery import ADDONS, State
from addonkit.registry.registry import Registry

REFUSED = [
    (
        "import-error",
        "absent",
        "acme-absent 2.0",
        "ModuleNotFoundError: No module named 'acme_driver_that_is_not_there'",
    ),
    ("exits", "exits", "acme-exits 2.1", "importing acme_exits failed: SystemExit: 3"),
    ("wrong-argument", "wrong", "acme-wrong 2.2", "hookimpl definition: addon_provision(app, databse)"),
    ("wrong-argument", "wrong", "acme-wrong 2.2", "Argument(s) {'databse'} are declared in the hookimpl"),
    ("misspelt", "typo", "acme-typo 2.3", "hook addon_unbnid is unknown; did you mean addon_unbind?"),
    ("rival-one rival-two", "twin", "acme-twin 1.0", "acme-twin 1.0 and other-twin 4.0 claim its name"),
    ("needs-newer", "future", "acme-future 9.0", "it needs addonkit >=99"),
    ("blocked", "shunned", "acme-shunned 1.0", "it is blocked by configuration"),
    ("invalid", "no-default", "acme-invalid 3.1", "its default variant 'huge' is not among small"),
    ("invalid", "other-name", "acme-invalid 3.1", "it is named 'another', its entry point 'other-name'"),
    ("invalid", "twice", "acme-invalid 3.1", "it has two variants named 'small'"),
    ("invalid", "bad-size", "acme-invalid 3.1", "cannot read '5GB' as a storage size"),
    ("invalid", "raises", "acme-invalid 3.1", "addon_definition failed: it raised KeyError: 'nothing'"),
    ("invalid", "something-else", "acme-invalid 3.1", "it is a dict, not an AddonDefinition"),
]


@pytest.mark.parametrize(("cases", "name", "origin", "reason"), REFUSED)
def test_a_bad_addon_is_named_with_who_ships_it_and_why_in_one_line(installed, cases, name, origin, reason):
    registry = installed(*cases.split(), blocked=("shunned",))
    with pytest.raises(AddonBroken) as caught:
        registry.get(name)
    error = caught.value
    assert str(error).startswith(f"cannot use addon {name} of {origin}: ")
    assert reason in error.found
    assert "\n" not in str(error)
    assert f"{error.distribution} {error.version}" == origin
    assert error.addon == name


@pytest.mark.parametrize(("cases", "name", "origin", "reason"), REFUSED)
def test_a_bad_addon_is_reported_the_same_way_and_never_hides_another(installed, cases, name, origin, reason):
    registry = installed("good-memo", "good-vault", *cases.split(), blocked=("shunned",))
    reports = {f"{each.name} {each.distribution} {each.version}": each for each in registry.report()}
    assert reason in reports[f"{name} {origin}"].reason
    assert reports[f"{name} {origin}"].hooks == ()
    assert {"memo", "vault"} <= {each.name for each in registry.list_addons()}


def test_among_all_bad_addons_the_good_ones_work(installed, app, instance):
    registry = installed(blocked=("shunned",))
    assert [each.name for each in registry.list_addons()] == ["memo", "vault"]
    states = {each.name: each.state for each in registry.report() if each.group == ADDONS}
    assert {name for name, state in states.items() if state is State.OK} == {"memo", "vault"}
    assert states["twin"] is State.CONFLICT
    assert states["future"] is State.INCOMPATIBLE
    assert states["shunned"] is State.BLOCKED
    assert states["absent"] is State.BROKEN
    variant = registry.get("memo").definition.variant("small")
    assert registry.get("memo").provision(app, variant, instance).name == "memo.provision"


def test_a_report_names_the_hooks_of_a_good_addon(installed):
    (memo,) = [each for each in installed("good-memo").report() if each.name == "memo"]
    assert memo.hooks == ("addon_definition", "addon_deprovision", "addon_provision")
    assert (memo.distribution, memo.version, memo.state, memo.reason) == ("acme-memo", "1.2.0", State.OK, "")


def test_the_trace_of_a_failed_import_is_kept(installed):
    (report,) = installed("import-error").report()
    assert report.trace.startswith("Traceback")
    assert 'acme_absent.py", line' in report.trace


def test_asking_again_for_a_broken_addon_gives_the_same_answer(installed):
    registry = installed("import-error")
    messages = []
    for _ in range(2):
        with pytest.raises(AddonBroken) as error:
            registry.get("absent")
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_a_definition_that_is_refused_on_purpose_says_so(fake):
    with pytest.raises(AddonBroken, match="addon_definition failed: InvalidName: cannot make: no; never"):
        Registry().register(fake.answering(definition=InvalidName("cannot make", "no", "never")), "test-addon")


def test_a_keyboard_interrupt_is_not_swallowed(fake):
    with pytest.raises(KeyboardInterrupt):
        Registry().register(fake.answering(definition=KeyboardInterrupt()), "test-addon")


def define():
    return AddonDefinition("x", "X", "", "small", (VariantDefinition("small"),))


def addon_with(**functions):
    """An addon object with these hooks besides the three required ones, where they are not given."""
    hooks = {
        "addon_definition": hookimpl(define),
        "addon_provision": hookimpl(lambda: None),
        "addon_deprovision": hookimpl(lambda: None),
        **functions,
    }
    made = type("Made", (), {})()
    for name, function in hooks.items():
        if function is not None:
            setattr(made, name, function)
    return made


async def coroutine():
    raise NotImplementedError


def wrapper(**options):
    def generator():
        yield

    return hookimpl(**options)(generator)


@pytest.mark.parametrize(
    ("functions", "reason"),
    [
        ({"addon_deprovision": None}, "it does not answer addon_deprovision"),
        ({"addon_provision": lambda: None}, "does not answer addon_provision; its function of that name lacks @hookimpl"),
        ({"addon_provision": hookimpl(coroutine)}, "addon_provision is async"),
        ({"addon_provision": wrapper(wrapper=True)}, "addon_provision is a wrapper; put it into"),
        ({"addon_provision": wrapper(hookwrapper=True)}, "a wrapper of the old style"),
        ({"addon_provision": hookimpl(wrapper=True)(lambda: None)}, "is not a generator function"),
        ({"addon_event": hookimpl(lambda event: None)}, "addon_event is for observers; put it into"),
        ({"addon_bind": hookimpl(lambda: None)}, "it answers addon_bind but not addon_unbind"),
        ({"addon_unbind": hookimpl(lambda: None)}, "it answers addon_unbind but not addon_bind"),
        ({"addon_drop_claim": hookimpl(lambda: None)}, "it answers addon_drop_claim but not addon_inspect"),
        ({"something": hookimpl(lambda: None)}, "hook something is unknown; known are addon_definition, "),
    ],
)  # fmt: skip
def test_an_object_that_breaks_a_rule_of_the_contract_is_refused(functions, reason):
    registry = Registry()
    with pytest.raises(AddonBroken) as error:
        registry.register(addon_with(**functions), "x")
    assert reason in error.value.found
    registry.register(addon_with(), "x")  # nothing of the refused one is left
    assert registry.get("x").capabilities == frozenset()


def test_a_hook_of_a_newer_core_may_be_answered_when_it_is_marked_optional():
    registry = Registry()
    registry.register(addon_with(addon_rotate=hookimpl(optionalhook=True)(lambda: None)), "x")
    assert registry.get("x").capabilities == frozenset()


def test_a_class_is_refused_with_advice():
    with pytest.raises(AddonBroken, match="is a class; name a module or an instance"):
        Registry().register(type(addon_with()), "x")


def test_an_illegal_addon_name_is_refused():
    with pytest.raises(AddonBroken, match="cannot use 'Not_Legal' as the name of an addon"):
        Registry().register(addon_with(), "Not_Legal")
