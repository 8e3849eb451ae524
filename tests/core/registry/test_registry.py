"""The registry finds addons by name and says clearly what it does not have."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from addonkit.errors import (
    AddonBroken,
    AlreadyExists,
    InvalidReference,
    NotFound,
    UnknownAddon,
    UnknownVariant,
)
from addonkit.registry.discovery import ADDONS, Entry
from addonkit.registry.registry import Registry

IMAGE = "docker.io/library/testdb"


def test_an_empty_registry_says_how_to_get_an_addon():
    registry = Registry()
    assert registry.list_addons() == ()
    assert registry.report() == ()
    with pytest.raises(UnknownAddon, match='unknown addon "postgresql": no addon is installed; install one, for'):
        registry.get("postgresql")


def test_an_unknown_addon_is_answered_with_those_installed(installed):
    registry = installed("good-memo", "good-vault", "import-error")
    with pytest.raises(UnknownAddon, match='unknown addon "nope": installed are absent, memo and vault'):
        registry.get("nope")
    with pytest.raises(UnknownAddon, match=r"did you mean vault\?"):
        registry.get("valt")


def test_addons_are_listed_by_name(installed):
    assert [each.name for each in installed("good-vault", "good-memo").list_addons()] == ["memo", "vault"]


def test_asking_twice_gives_the_same_addon(installed):
    registry = installed("good-memo")
    assert registry.get("memo") is registry.get("memo")


def test_a_registered_addon_is_found_and_reported(registry):
    assert registry.get("test-addon").distribution == ""
    (report,) = registry.report()
    assert (report.name, report.state, report.reason) == ("test-addon", "ok", "")
    assert "addon_provision" in report.hooks


def test_a_name_is_registered_once(registry, fake):
    with pytest.raises(AlreadyExists, match="cannot register addon test-addon: the program itself brings one"):
        registry.register(fake.answering(), "test-addon")


def test_a_name_that_is_installed_cannot_be_registered(installed, fake):
    with pytest.raises(AlreadyExists, match=r"cannot register addon memo: acme-memo 1\.2\.0 brings one"):
        installed("good-memo").register(fake.answering(), "memo")


def test_a_refused_addon_is_not_registered(fake):
    registry = Registry()
    with pytest.raises(AddonBroken):
        registry.register(fake.answering(), "another-name")
    assert registry.report() == ()
    registry.register(fake.answering(definition=attrs.evolve(fake.definition, name="another-name")), "another-name")


def test_what_the_environment_blocks_is_blocked(installed, monkeypatch, paths):
    monkeypatch.setenv("ADDONKIT_BLOCK", "vault, nothing")
    registry = Registry.discover(paths("good-vault"))
    with pytest.raises(AddonBroken, match=r"it is blocked by configuration; take it off .*ADDONKIT_BLOCK"):
        registry.get("vault")
    assert "acme_vault" not in sys.modules


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("test-addon", ("test-addon", "small")),
        ("test-addon:large", ("test-addon", "large")),
        ("test-addon:small", ("test-addon", "small")),
    ],
)
def test_a_spec_means_an_addon_and_a_variant(registry, spec, expected):
    assert registry.resolve_addon_and_variant(spec) == expected


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("nope", UnknownAddon, 'unknown addon "nope"'),
        ("", UnknownAddon, 'unknown addon ""'),
        (":small", UnknownAddon, 'unknown addon ""'),
        ("test-addon:xl", UnknownVariant, 'unknown variant "xl" for addon "test-addon": it has small and large'),
        ("test-addon:", UnknownVariant, 'unknown variant "" for addon "test-addon"'),
        ("test-addon:a:b", UnknownVariant, 'unknown variant "a:b" for addon "test-addon"'),
        ("test-addon:Small", UnknownVariant, 'unknown variant "Small" for addon "test-addon"'),
        (" test-addon", InvalidReference, "it has surrounding blanks"),
        ("test-addon:small ", InvalidReference, "it has surrounding blanks"),
    ],
)
def test_a_spec_that_means_nothing_is_refused(registry, spec, error, message):
    with pytest.raises(error) as caught:
        registry.resolve_addon_and_variant(spec)
    assert type(caught.value) is error
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("version", "image"),
    [
        ("", f"{IMAGE}:17"),
        ("16", f"{IMAGE}:16"),
        ("15", f"{IMAGE}:15"),
        ("registry.example.com/custom:v1", "registry.example.com/custom:v1"),
    ],
)
def test_a_variant_config_holds_the_resolved_image(registry, version, image):
    assert registry.get_variant_config("test-addon", "small", version) == {"cpu": "500m", "_image": image}


def test_a_variant_config_is_a_new_copy_each_time(registry, fake):
    config = registry.get_variant_config("test-addon", "small", "16")
    config["cpu"] = "other"
    assert registry.get_variant_config("test-addon", "small", "15") == {"cpu": "500m", "_image": f"{IMAGE}:15"}
    assert fake.definition.variants[0].config == {"cpu": "500m"}


def test_without_a_base_image_there_is_no_image_in_the_config(installed):
    assert installed("good-vault").get_variant_config("vault", "box") == {}


def test_a_variant_config_needs_a_known_addon_and_variant(registry):
    with pytest.raises(UnknownAddon, match='unknown addon "nope"'):
        registry.get_variant_config("nope", "small")
    with pytest.raises(UnknownVariant, match='unknown variant "xl" for addon "test-addon"'):
        registry.get_variant_config("test-addon", "xl")
    with pytest.raises(InvalidReference):
        registry.get_variant_config("test-addon", "small", " 16")


def test_a_backend_is_imported_when_it_is_asked_for(installed):
    registry = installed("backend")
    assert "acme_cloud" not in sys.modules
    assert registry.load_backend("cloud").name == "cloud"


def test_a_backend_that_is_not_there_or_broken_is_named(installed):
    registry = installed("backend")
    with pytest.raises(NotFound, match='unknown backend "sun": installed: cloud and fog'):
        registry.load_backend("sun")
    for _ in range(2):
        with pytest.raises(AddonBroken, match=r"cannot use backend fog of acme-cloud 5\.0: importing acme_fog failed"):
            registry.load_backend("fog")


def test_threads_that_ask_at_once_get_the_same_addon(fake):
    asked = []

    def definition():
        asked.append(1)
        return fake.definition

    registry = Registry([Entry("test-addon", ADDONS, value="acme_threaded")])
    sys.modules["acme_threaded"] = fake.answering(definition=definition)
    try:
        with ThreadPoolExecutor(8) as pool:
            addons = set(pool.map(lambda _: registry.get("test-addon"), range(32)))
    finally:
        del sys.modules["acme_threaded"]
    assert len(addons) == len(asked) == 1
