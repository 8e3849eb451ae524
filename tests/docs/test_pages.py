"""What pages name exists, what must be named is, and pages that follow from the code are up to date."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from functools import cache, reduce
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import addonkit
from addonkit import api, errors, hookspecs, testing
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


@cache
def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text()


@pytest.fixture(scope="module")
def writer() -> Iterator[ModuleType]:
    """scripts/write_reference.py, which is no package, and has one beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        yield importlib.import_module("write_reference")


@pytest.mark.parametrize(
    "name", ["addon-api.md", "addons.md", "api.md", "errors.md", "hooks.md", "metrics.md", "mistakes.md", "testing.md"]
)
def test_a_page_that_follows_from_the_code_is_up_to_date(writer: ModuleType, name: str) -> None:
    assert page(name) == writer.PAGES[name](), "run make reference"


def test_every_page_that_follows_from_the_code_is_compared(writer: ModuleType) -> None:
    written = {path.name for path in (ROOT / "docs/reference").glob("*.md") if "\nWritten from " in path.read_text()}
    assert written - {"cli.md"} == set(writer.PAGES)


@pytest.mark.pinned
def test_the_page_about_the_command_line_is_up_to_date() -> None:
    assert page("cli.md").rstrip() == reference().rstrip()


HOOKS = {
    name: hook
    for specs in (hookspecs.AddonSpecs, hookspecs.ObserverSpecs)
    for name, hook in vars(specs).items()
    if not name.startswith("_")
}


def section(name: str, heading: str) -> str:
    """What a page has below a heading of the third level."""
    return f"{page(name)}\n## ".partition(f"\n### {heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]


def test_every_hook_is_documented_with_its_signature_and_an_example() -> None:
    for name, hook in HOOKS.items():
        text = section("hooks.md", name)
        assert text, f"{name} is not on the page"
        signature = inspect.signature(hook)
        shown = " ".join(text.partition("```text\n")[2].partition("\n```")[0].split())
        shown = shown.replace("( ", "(").replace(", )", ")")
        takes = [f"{each.name}: {each.annotation}" for each in [*signature.parameters.values()][1:]]
        assert shown == f"{name}({', '.join(takes)}) -> {signature.return_annotation}"
        assert f"def {name}(" in text, f"{name} has no example"


def test_a_hook_says_what_it_takes_and_answers() -> None:
    for name, hook in HOOKS.items():
        text = section("hooks.md", name)
        signature = inspect.signature(hook)
        for parameter in [*signature.parameters][1:]:
            assert re.search(rf"^- `{parameter}`: \S", text, re.MULTILINE), f"{name} does not say what {parameter} is"
        assert ("Answers: " in text) == (signature.return_annotation != "None"), name


def is_documented(name: str) -> bool:
    value = getattr(addonkit, name)
    is_error = inspect.isclass(value) and issubclass(
        value, (errors.AddonkitError, errors.Retryable, errors.NothingDone)
    )
    return f"`{name}`" in page("errors.md") if is_error else bool(section("addon-api.md", name).strip())


def test_every_public_name_is_documented() -> None:
    assert [name for name in {*api.__all__, *addonkit._ABOVE} if not is_documented(name)] == []


def test_every_public_name_for_tests_is_documented() -> None:
    assert [name for name in testing._PLACES if not section("testing.md", name).strip()] == []


def test_every_check_of_the_kit_is_documented() -> None:
    checks = [name.removeprefix("test_") for name in dir(testing.AddonConformance) if name.startswith("test_")]
    assert checks
    assert [each for each in checks if not section("testing.md", each.replace("_", " ")).strip()] == []


def test_every_error_is_documented() -> None:
    classes = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.AddonkitError)}
    assert set(re.findall(r"^\| `(\w+)`", page("errors.md"), re.MULTILINE)) == classes


def seed_rows() -> list[tuple[str, str]]:
    return re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \| .+ \|$", page("coming-from-go.md"), re.MULTILINE)


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


def test_the_counterpart_of_a_name_of_the_seed_exists() -> None:
    for theirs, ours in seed_rows():
        assert find(ours) is not None, theirs


def test_every_row_of_the_seed_is_read() -> None:
    assert len(seed_rows()) == page("coming-from-go.md").count("\n| `")


def test_every_public_item_of_the_seed_has_a_row_and_no_other_has() -> None:
    items = {f"{owner}.{member}".strip(".") for owner, members in SEED.items() for member in members.split()}
    assert {theirs for theirs, _ in seed_rows()} == items | set(SEED) - {""}


def test_links_lead_somewhere() -> None:
    links = [(path, target) for path in PAGES for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text())]
    local = [(path, target) for path, target in links if not target.startswith(("https://", "http://"))]
    assert local
    assert [f"{path}: {target}" for path, target in local if not (path.parent / target).exists()] == []


def test_targets_that_pages_name_can_be_made() -> None:
    for path in PAGES:
        for inline, listed in re.findall(r"(?:`make ([a-z]+)|^make ([a-z]+)  )", path.read_text(), re.MULTILINE):
            target = inline or listed
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"{path}: make {target}"


@pytest.mark.parametrize("target", ["demo", "test", "lint", "types", "docs", "bench", "clean"])
def test_what_a_newcomer_types_can_be_made(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for path in ROOT.glob("docs/*/*.md"):
        if "_build" not in path.parts:
            name = path.relative_to(ROOT / "docs").with_suffix("").as_posix()
            assert f"\n{name}\n" in index, name


def test_the_glossary_has_each_term_once_in_alphabetical_order() -> None:
    rows = [line.split("|") for line in page("glossary.md").splitlines() if line.startswith("| ")]
    terms = [row[1].strip().lower() for row in rows[2:]]
    assert terms == sorted(set(terms))
