"""What an addon author imports is there, under the names promised."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import addonkit
import public_names
from addonkit import api, errors

SEED = {
    "ConfigImage": "CONFIG_IMAGE",
    "IsSharedVariant": "is_shared_variant",
    "NameFromRef": "name_from_ref",
    "ParseStorageGb": "parse_storage_gb",
    "ResolveImage": "resolve_image",
    "SanitizeIdentifier": "sanitize_identifier",
    "AddonAssociation": "Association",
    "AddonDefinition": "AddonDefinition",
    "App": "App",
    "CreateSandboxPoolSpec": "CreateSandboxPoolSpec",
    "LocalityMode": "LocalityMode",
    "ProviderFramework": "ProviderFramework",
    "ProvisionResult": "ProvisionResult",
    "Registry": "Registry",
    "Variable": "Variable",
    "Variant": "Variant",
    "VariantDefinition": "VariantDefinition",
}
FRAMEWORK = [
    "create_sandbox_pool", "wait_for_pool", "scale_pool", "delete_sandbox_pool", "create_service",
    "delete_service", "get_service_address", "wait_for_service_address", "delete_disk_by_name",
]  # fmt: skip
REGISTRY = [
    "ensure_entities", "get", "get_variant_config", "list_addons", "register", "resolve_addon_and_variant",
]  # fmt: skip
FIELDS = {
    "App": ["name"],
    "Association": ["id", "app", "addon"],
    "AddonDefinition": [
        "name", "display_name", "description", "default_variant", "variants", "base_image", "default_version",
    ],
    "CreateSandboxPoolSpec": [
        "name", "image", "env", "ports", "desired_instances", "labels", "sandbox_prefix", "command", "mounts",
        "volumes", "port_wait_timeout",
    ],
    "ProvisionResult": ["variables", "attributes"],
    "Variable": ["key", "value", "sensitive"],
    "Variant": ["name", "config"],
    "VariantDefinition": ["name", "description", "details", "config"],
}  # fmt: skip


def test_every_item_of_the_seed_has_a_counterpart():
    for name in SEED.values():
        assert getattr(addonkit, name) is not None


def test_every_verb_of_a_provider_is_a_hook():
    specs = importlib.import_module("addonkit.hookspecs").AddonSpecs
    for verb in ("provision", "adjust_env_vars", "deprovision"):
        assert hasattr(specs, f"addon_{verb}")


def test_every_method_of_the_framework_is_there():
    for method in FRAMEWORK:
        assert inspect.iscoroutinefunction(getattr(addonkit.ProviderFramework, method)), method


def test_every_method_of_the_registry_is_there():
    for method in REGISTRY:
        assert callable(getattr(addonkit.Registry, method)), method


def test_every_field_is_there():
    for name, fields in FIELDS.items():
        assert set(fields) <= {each.name for each in getattr(addonkit, name).__attrs_attrs__}, name


def test_localities_are_spelled_as_before():
    assert {each.value for each in addonkit.LocalityMode} == {"on_cluster", "remote", "in_app"}


def test_the_key_of_the_image_is_spelled_as_before():
    assert addonkit.CONFIG_IMAGE == "_image"


@pytest.mark.parametrize(
    ("name", "shared"), [("shared", True), ("Shared", False), (" shared", False), ("shared-large", False), ("", False)]
)
def test_the_shared_variant_is_exactly_shared(name, shared):
    assert addonkit.is_shared_variant(name) is shared


def test_the_list_of_names_is_sorted_and_complete():
    assert sorted(api.__all__) == sorted(set(api.__all__))
    public = {name for name in vars(api) if not name.startswith(("_", "@")) and name != "annotations"}
    assert set(api.__all__) == public


def test_every_name_is_found_in_the_package():
    assert [name for name in api.__all__ if getattr(addonkit, name) is not getattr(api, name)] == []


def test_a_name_stays_the_same_when_it_is_asked_for_again():
    script = (
        "import addonkit\n"
        "assert addonkit.hookimpl is addonkit.hookimpl\n"
        "from addonkit import server_sagas\n"
        "assert server_sagas.__name__ == 'server_sagas', server_sagas\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_signatures_are_those_that_were_reviewed():
    frozen = (Path(__file__).parent / "public_names.txt").read_text().splitlines()
    now = list(public_names.lines())

    changed = [f"- {line}" for line in frozen if line not in now] + [f"+ {line}" for line in now if line not in frozen]
    assert frozen == now, "\n".join(["run `make reference` and say in changes/ what authors must do", *changed])


def test_every_error_is_public():
    made_here = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert made_here <= set(api.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'addonkit' has no attribute 'nothing'"):
        addonkit.nothing  # noqa: B018 - asking for it is the test
