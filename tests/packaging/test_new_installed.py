"""What `addonkit new` writes installs in a fresh environment, passes its own tests there, and gives something real at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from addonkit.testing.home import left_behind
from wheelhouse.building import Wheels
from wheelhouse.environment import Environment
from wheelhouse.needs import metadata_of
from wheelhouse.services import serving


@pytest.fixture
def core(environment: Environment) -> Environment:
    """An environment with the core alone, where an author begins."""
    environment.install("addonkit")
    return environment


def write(core: Environment, name: str, kind: str, directory: Path) -> Path:
    """Have the installed command write a distribution."""
    written = core.addonkit("new", name, "--kind", kind, "--directory", str(directory))
    assert written.status == 0, written.err
    return directory / f"addonkit-{name}"


def install_to_work_on(core: Environment, project: Path) -> None:
    """What its page tells an author to type, but that what builds it is there already: a fresh one would be fetched."""
    core.provide("addonkit[testing]", "hatchling", "editables")
    options = ("--quiet", "--no-index", "--find-links", core.index, "--no-build-isolation")
    core.pip("install", *options, "--editable", f"{project}[test]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("server", "my-store"),
        ("remote", "else-where"),
    ],
)
@pytest.mark.timeout(400)
def test_its_own_tests_pass(core: Environment, tmp_path: Path, kind: str, name: str) -> None:
    project = write(core, name, kind, tmp_path)
    install_to_work_on(core, project)

    at_each_step = "crash_at_any_point or step_that_fails"
    core.run("-m", "pytest", "-q", "-p", "no:cacheprovider", project, "-k", f"not ({at_each_step})", CI="")
    # The command runs checks side by side.
    core.run("-m", "addonkit", "conformance", name, "-k", at_each_step, "-o", tmp_path)

    assert (project / f"tests/{name}.sagas.json").exists(), "shapes of sagas are locked from the start"


@pytest.mark.slow
def test_a_new_server_addon_gives_an_app_something_at_once(
    core: Environment, wheels: Wheels, tmp_path: Path, home: Path
) -> None:
    wheel = wheels.build(write(core, "acmes", "server", tmp_path))
    assert metadata_of(wheel).license_files == ["LICENSE"]
    core.publish(wheel)
    core.install("addonkit-acmes")

    created = core.addonkit("create", "acmes", "-a", "shop")
    assert created.status == 0, created.err
    assert core.addonkit("run", "-a", "shop", "--", "printenv", "ACMES_URL").out.startswith("http://")
    assert core.addonkit("destroy", "shop-acmes", "--yes").status == 0
    assert left_behind(home) == ()


@pytest.mark.slow
def test_a_new_remote_addon_gives_an_app_something_at_once(core: Environment, wheels: Wheels, tmp_path: Path) -> None:
    core.publish(wheels.build(write(core, "far-off", "remote", tmp_path)))
    core.install("addonkit-far-off")
    with serving(core, "addonkit_far_off.local", settings=2) as settings:
        created = core.addonkit("create", "far-off", "-a", "shop", **settings)
        assert created.status == 0, created.err
        assert core.addonkit("run", "-a", "shop", "--", "printenv", "FAR_OFF_URL").out.startswith("http://")
        assert core.addonkit("destroy", "shop-far-off", "--yes", **settings).status == 0
