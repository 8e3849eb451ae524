"""What is published: wheels with everything in them and nothing else, and metadata that an index accepts."""

from __future__ import annotations

import ast
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.utils import canonicalize_name

import addonkit
from wheelhouse.building import PROJECTS, ROOT, Wheels
from wheelhouse.needs import metadata_of, requirements_of
from wheelhouse.processes import run

LICENCE = (ROOT / "LICENSE").read_text()
KNOWN = {*sys.stdlib_module_names, ""}


@cache
def owners() -> Mapping[str, list[str]]:
    """Distributions by the packages they bring; one that is installed from a checkout does not tell."""
    return {**packages_distributions(), "addonkit": ["addonkit"]}


@pytest.fixture(params=PROJECTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def wheel(name: str, wheels: Wheels) -> Path:
    return wheels.of(name)


def files_in(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def package_of(name: str) -> str:
    return name.replace("-", "_")


def test_a_wheel_holds_the_package_as_it_is_in_the_source(name: str, wheel: Path) -> None:
    source = PROJECTS[name] / "src"
    there = {path.relative_to(source).as_posix(): path for path in source.rglob("*") if path.is_file()}
    wanted = {place: path.read_bytes() for place, path in there.items() if "__pycache__" not in place}

    package = {place: content for place, content in files_in(wheel).items() if ".dist-info/" not in place}

    assert package == wanted
    assert f"{package_of(name)}/py.typed" in package
    assert {place.partition("/")[0] for place in package} == {package_of(name)}, "no tests, nothing beside it"


def test_a_wheel_holds_the_licence(wheel: Path) -> None:
    (licence,) = (text.decode() for place, text in files_in(wheel).items() if place.endswith("licenses/LICENSE"))
    assert licence == LICENCE
    metadata = metadata_of(wheel)
    assert metadata.license_expression == "Apache-2.0"
    assert metadata.license_files == ["LICENSE"]


def test_metadata_are_valid_and_tell_what_it_is(name: str, wheel: Path) -> None:
    metadata = metadata_of(wheel)

    assert (metadata.name, str(metadata.version)) == (name, addonkit.__version__), "released together"
    assert metadata.description == (PROJECTS[name] / "README.md").read_text()
    assert metadata.description_content_type == "text/markdown"
    assert metadata.summary
    assert metadata.keywords
    assert str(metadata.requires_python) == ">=3.11"
    assert {"Typing :: Typed", "Operating System :: POSIX :: Linux"} <= set(metadata.classifiers or ())


def test_the_readme_can_be_read_where_there_is_no_checkout(wheel: Path) -> None:
    text = metadata_of(wheel).description or ""
    assert re.search(r"pip install .*addonkit", text), "it says how to install"
    assert [target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("https://")] == []


@pytest.mark.all_day("addonkit-valkey")
def test_the_source_archive_and_the_folder_make_the_same_wheel(name: str, wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, PROJECTS[name])

    assert files_in(tmp_path / wheel.name) == files_in(wheel)


def test_the_source_archive_has_what_builds_the_wheel_and_nothing_else(name: str, wheel: Path) -> None:
    (archive,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        places = {member.name.partition("/")[2] for member in opened.getmembers()}
    beside = {place for place in places if not place.startswith(f"src/{package_of(name)}/")}
    assert beside <= {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}


def test_entry_points_lead_to_modules_of_the_wheel(name: str, wheel: Path) -> None:
    files = files_in(wheel)
    (text,) = (content.decode() for place, content in files.items() if place.endswith("/entry_points.txt"))
    entries = ConfigParser(delimiters=["="])
    entries.read_string(text)
    modules = {place.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for place in files}
    for group in entries.sections():
        for value in entries[group].values():
            assert value.partition(":")[0] in modules, value
    wanted = {"console_scripts", "addonkit.backends"} if name == "addonkit" else {"addonkit.addons"}
    assert wanted <= set(entries.sections())


def imported(name: str) -> Iterator[tuple[str, str]]:
    """Top-level packages of others that a distribution's modules import, and where."""
    for path in sorted((PROJECTS[name] / "src").rglob("*.py")):
        if "templates" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for top in {module.partition(".")[0] for module in modules} - KNOWN - {package_of(name)}:
                yield top, str(path.relative_to(ROOT))


def test_what_is_imported_is_required(name: str, wheel: Path) -> None:
    """Always, or by an extra."""
    extras = metadata_of(wheel).provides_extra or ()
    required = {canonicalize_name(each.name) for each in requirements_of(wheel, *extras)}
    missing = [
        f"{where} imports {top}, which {name} does not require"
        for top, where in imported(name)
        if required.isdisjoint(map(canonicalize_name, owners()[top]))
    ]
    assert not missing, "\n".join(missing)


def test_what_is_required_always_is_imported(name: str, wheel: Path) -> None:
    used = {canonicalize_name(owner) for top, _ in imported(name) for owner in owners()[top]}
    assert {canonicalize_name(each.name) for each in requirements_of(wheel)} <= used


def test_every_requirement_has_a_lowest_version(wheel: Path) -> None:
    extras = metadata_of(wheel).provides_extra or ()
    for each in requirements_of(wheel, *extras):
        assert any(clause.operator in {">=", "~=", "=="} for clause in each.specifier), str(each)


@pytest.mark.parametrize("name", sorted(set(PROJECTS) - {"addonkit"}))
def test_an_addon_accepts_this_core_and_not_the_next_major_one(name: str, wheels: Wheels) -> None:
    (core,) = (each for each in requirements_of(wheels.of(name)) if each.name == "addonkit")
    assert core.specifier.contains(addonkit.__version__)
    assert not core.specifier.contains("1.0")
