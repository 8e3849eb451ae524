"""A definition that cannot work is refused, and everything wrong with it is said."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.models.definition import (
    AddonDefinition,
    ProgramSource,
    SettingDefinition,
    ShellDefinition,
    VariantDefinition,
)
from addonkit.registry.validation import faults_of

GOOD = AddonDefinition(
    "memo",
    "Memo",
    "Notes",
    "small",
    (VariantDefinition("small", config={"storage": "1Gi"}), VariantDefinition("x-large.2_b")),
    base_image="docker.io/acme/memo",
    default_version="17",
    program=ProgramSource(("memod",)),
)


def variant(**changes):
    return attrs.evolve(GOOD, variants=(attrs.evolve(GOOD.variants[0], **changes),))


def test_a_good_definition_has_no_faults():
    assert faults_of(GOOD, "memo") == ()
    assert faults_of(attrs.evolve(GOOD, base_image="", default_version="", program=None), "memo") == ()


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        (None, "it is a NoneType, not an AddonDefinition"),
        (attrs.evolve(GOOD, name="notes"), "it is named 'notes', its entry point 'memo'"),
        (attrs.evolve(GOOD, variants=()), "it has no variant"),
        (attrs.evolve(GOOD, default_variant="huge"), "its default variant 'huge' is not among small, x-large.2_b"),
        (attrs.evolve(GOOD, variants=GOOD.variants * 2), "it has two variants named 'small'"),
        (attrs.evolve(GOOD, variants=list(GOOD.variants)), "variants is not a tuple of VariantDefinition"),
        (attrs.evolve(GOOD, variants=("small",)), "variants is not a tuple of VariantDefinition"),
        (attrs.evolve(GOOD, display_name=None), "display_name is not text"),
        (attrs.evolve(GOOD, default_version=17), "default_version is not text"),
        (attrs.evolve(GOOD, locality="on_cluster"), "locality is not a LocalityMode"),
        (attrs.evolve(GOOD, settings=[SettingDefinition("a")]), "settings is not a tuple of SettingDefinition"),
        (attrs.evolve(GOOD, settings=(SettingDefinition("a"),) * 2), "it has two settings named 'a'"),
        (attrs.evolve(GOOD, settings=(SettingDefinition("A-b"),)), "setting name 'A-b' is not small letters"),
        (
            attrs.evolve(GOOD, settings=(SettingDefinition("a", default="x", choices=("y",)),)),
            "the default of setting a is not among its choices",
        ),
        (variant(settings=("a",)), "variant small needs setting 'a', which the addon does not have"),
        (attrs.evolve(GOOD, shell="memo"), "shell is not a ShellDefinition"),
        (attrs.evolve(GOOD, shell=ShellDefinition()), "its shell names no command and no module"),
        (attrs.evolve(GOOD, shell=ShellDefinition(("memo",))), "a command of its shell is not a tuple of texts"),
        (attrs.evolve(GOOD, shell=ShellDefinition((("memo", "{"),))), "cannot use the text '{'"),
        (attrs.evolve(GOOD, shell=ShellDefinition((("memo", "{a}"),))), "cannot use 'a' as the name of a variable"),
        (attrs.evolve(GOOD, program="memod"), "program is not a ProgramSource"),
        (attrs.evolve(GOOD, program=ProgramSource(())), "its program has no executables"),
        (attrs.evolve(GOOD, program=ProgramSource(("x",), version_pattern="(")), "version_pattern '(' is not a regular"),
        (attrs.evolve(GOOD, program=ProgramSource(("x",), version_pattern="1")), "version_pattern '1' has no group"),
        (attrs.evolve(GOOD, base_image="memo:17"), "base image 'memo:17' has a tag or digest"),
        (attrs.evolve(GOOD, base_image="Memo"), "cannot read image 'Memo:17', path 'Memo' has other signs"),
        (attrs.evolve(GOOD, default_version=""), "cannot choose an image of 'docker.io/acme/memo', no version is given"),
        (variant(config={"storage": "5GB"}), "variant small: cannot read '5GB' as a storage size"),
        (variant(config={"storage": ""}), "variant small: cannot read '' as a storage size"),
        (variant(config={"pages": 5}), "config of variant small does not map text to text"),
        (variant(config=[("a", "b")]), "config of variant small does not map text to text"),
        (variant(details={1: "a"}), "details of variant small does not map text to text"),
        (variant(config={"_image": "x"}), "variant small sets '_image', which the core sets"),
        (variant(config={"_version": "x"}), "variant small sets '_version', which the core sets"),
        (variant(name=5), "variant name 5 is not text"),
        (variant(name="Small"), "variant name 'Small' is not small letters"),
        (variant(name=""), "variant name '' is not small letters"),
        (variant(name="-small"), "variant name '-small' is not small letters"),
        (variant(name="a:b"), "variant name 'a:b' is not small letters"),
    ],
)  # fmt: skip
def test_a_fault_is_said(definition, fault):
    assert any(each.startswith(fault) for each in faults_of(definition, "memo")), faults_of(definition, "memo")


def test_a_name_that_is_illegal_is_said_even_when_both_agree():
    (fault,) = faults_of(attrs.evolve(GOOD, name="Memo"), "Memo")
    assert fault.startswith("cannot use 'Memo' as the name of an addon")


def test_names_to_unset_are_names_of_variables():
    good = attrs.evolve(GOOD, unset_variables=("PGSERVICE", "AWS_ENDPOINT_URL_*"))
    assert faults_of(good, GOOD.name) == ()
    for bad in ("*", "lower", "A*B", "A-B"):
        assert "unset_variables" in faults_of(attrs.evolve(GOOD, unset_variables=(bad,)), GOOD.name)[0]
    assert faults_of(attrs.evolve(GOOD, unset_variables="PGSERVICE"), GOOD.name) == (
        "unset_variables is not a tuple of texts",
    )


def test_all_faults_are_said_at_once():
    bad = attrs.evolve(variant(name="Small", config={"storage": "x"}), default_variant="huge", base_image="a:b")
    assert len(faults_of(bad, "other")) == 5


anything = st.none() | st.text(max_size=3) | st.integers() | st.just({}) | st.just(())


@given(st.lists(anything, min_size=7, max_size=7))
def test_nonsense_is_described_never_raised(nonsense):
    name, default, variant_name, config, image, version, program = nonsense
    variants = (VariantDefinition(variant_name, config=config),)
    definition = AddonDefinition(name, "", "", default, variants, image, version, program=program)
    assert all(isinstance(each, str) for each in faults_of(definition, "memo"))
    assert faults_of(definition, "memo")
