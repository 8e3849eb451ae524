"""What pages name exists, what must be named is, and pages that follow from the code are up to date."""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import addonkit
from addonkit import errors, hookspecs
from addonkit.cli.reference import reference

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(p for p in ROOT.glob("docs/**/*.md") if "_build" not in p.parts))
MAKEFILE = (ROOT / "Makefile").read_text()

SEED = {
    "": "ConfigImage IsSharedVariant NameFromRef ParseStorageGb ResolveImage SanitizeIdentifier OnCluster Remote"
    " NewProviderFramework NewRegistry NewRegistryImageChecker",
    "AddonAssociation": "ID App Addon Variant Entity",
    "AddonDefinition": "Name DisplayName Description DefaultVariant Variants BaseImage DefaultVersion",
    "AddonProvider": "LocalityMode Provision AdjustEnvVars Deprovision",
    "App": "ID Name",
    "CreateSandboxPoolSpec": "Name Image Env Ports DesiredInstances Labels SandboxPrefix Command Mounts Volumes"
    " PortWaitTimeout",
    "ImageChecker": "CheckImage",
    "LocalityMode": "",
    "ProviderFramework": "EC EAC Storage Log CreateSandboxPool CreateService DeleteDiskByName DeleteSandboxPool"
    " DeleteService GetServiceAddress ScalePool WaitForPool WaitForServiceAddress",
    "ProvisionResult": "EnvVars Attrs",
    "Registry": "EnsureEntities Get GetVariantConfig ListAddons Register ResolveAddonAndVariant",
    "RegistryImageChecker": "CheckImage",
    "Variable": "Key Value Sensitive",
    "Variant": "Name Config",
    "VariantDefinition": "Name Description Details Config",
}
"""The public items of the seed: types to their fields and methods, what belongs to none under the empty name."""


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text()


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """scripts/write_reference.py, which is no package."""
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / "scripts" / "write_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_about_hooks_is_up_to_date(writer: ModuleType) -> None:
    assert page("hooks.md") == writer.hooks_page()


def test_the_page_about_errors_is_up_to_date(writer: ModuleType) -> None:
    assert page("errors.md") == writer.errors_page()


def test_the_page_about_the_command_line_is_up_to_date() -> None:
    assert page("cli.md").rstrip() == reference().rstrip()


@pytest.mark.parametrize("specs", [hookspecs.AddonSpecs, hookspecs.ObserverSpecs])
def test_every_hook_is_documented_with_an_example(specs: type) -> None:
    hooks = [name for name in vars(specs) if not name.startswith("_")]
    assert hooks
    for name in hooks:
        section = page("hooks.md").partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert f"{name}(" in section, f"{name} is not on the page"
        assert f"def {name}(" in section, f"{name} has no example"


def test_every_error_is_documented() -> None:
    classes = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.AddonkitError)}
    assert set(re.findall(r"^\| `(\w+)`", page("errors.md"), re.MULTILINE)) == classes


def seed_rows() -> list[tuple[str, str]]:
    return re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \| .+ \|$", page("seed.md"), re.MULTILINE)


def find(name: str) -> Any:
    """What a name of the table stands for; fields of attrs classes are looked up as such."""
    if not name.startswith("addonkit."):
        first, *rest = name.split(".")
        return reduce(attribute, rest, getattr(addonkit, first))
    module = name
    parts: list[str] = []
    while not is_module(module):
        module, _, last = module.rpartition(".")
        parts.insert(0, last)
    return reduce(attribute, parts, importlib.import_module(module))


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def attribute(owner: Any, name: str) -> Any:
    fields = {field.name: field for field in getattr(owner, "__attrs_attrs__", ())}
    return fields[name] if name in fields else getattr(owner, name)


@pytest.mark.parametrize(("theirs", "ours"), seed_rows())
def test_the_counterpart_of_a_name_of_the_seed_exists(theirs: str, ours: str) -> None:
    assert find(ours) is not None, theirs


def test_every_row_of_the_seed_is_read() -> None:
    assert len(seed_rows()) == page("seed.md").count("\n| `")


def test_every_public_item_of_the_seed_has_a_row_and_no_other_has() -> None:
    items = {f"{owner}.{member}".strip(".") for owner, members in SEED.items() for member in members.split()}
    assert {theirs for theirs, _ in seed_rows()} == items | set(SEED) - {""}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text()):
        if not target.startswith(("https://", "http://")):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_targets_that_pages_name_can_be_made(path: Path) -> None:
    for inline, listed in re.findall(r"(?:`make ([a-z]+)|^make ([a-z]+)  )", path.read_text(), re.MULTILINE):
        target = inline or listed
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"make {target}"


@pytest.mark.parametrize("target", ["demo", "test", "lint", "types", "docs", "bench", "clean"])
def test_what_a_newcomer_types_can_be_made(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for path in ROOT.glob("docs/*/*.md"):
        if "_build" not in path.parts:
            name = path.relative_to(ROOT / "docs").with_suffix("").as_posix()
            assert f"\n{name}\n" in index, name
