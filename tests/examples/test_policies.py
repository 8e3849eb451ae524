"""Policies and audits, each a distribution of its own, around real addons."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind


@pytest.fixture
def policed(command_with: Callable[[str], CommandLine]) -> CommandLine:
    return command_with("addonkit-policy-by-app")


@pytest.fixture
def audited(command_with: Callable[[str], CommandLine], tmp_path: Path) -> CommandLine:
    command = command_with("addonkit-audit")
    return CommandLine(command.home, command.environ | {"ADDONKIT_AUDIT_FILE": str(tmp_path / "audit")})


def records(command: CommandLine) -> list[dict[str, str]]:
    return [json.loads(line) for line in Path(command.environ["ADDONKIT_AUDIT_FILE"]).read_text().splitlines()]


def test_a_policy_refuses_before_anything_is_made(policed: CommandLine, home: Path) -> None:
    for words in ((), ("--dry-run",)):
        refused = policed("create", "valkey:small", "-a", "test-42", *words)

        assert refused.status == 1
        assert refused.err == (
            "error: cannot create a small for test-42: apps named test-..., review-... share servers here;"
            " use the variant shared\n"
        )
    assert policed("list", "--json").data["instances"] == []
    assert "there is no app" in policed("env", "-a", "test-42").err
    assert left_behind(home) == ()


def test_a_policy_lets_everything_else_pass(policed: CommandLine, home: Path) -> None:
    assert policed("create", "valkey:shared", "-a", "test-42").status == 0
    assert policed("create", "valkey:small", "-a", "shop").status == 0
    for name in ("test-42-valkey", "shop-valkey"):
        assert policed("destroy", name, "--yes").status == 0
    assert left_behind(home) == ()


def test_an_audit_records_what_is_made_and_removed(audited: CommandLine) -> None:
    assert audited("create", "valkey:small", "-a", "shop").status == 0
    assert audited("destroy", "shop-valkey", "--yes").status == 0

    made, removed = records(audited)
    assert made == made | {"what": "provisioned", "name": "shop-valkey", "addon": "valkey:small", "app": "shop"}
    assert removed == removed | {"what": "deprovisioned", "id": made["id"]}
    assert Path(audited.environ["ADDONKIT_AUDIT_FILE"]).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "point", ["before", *(pytest.param(point, marks=pytest.mark.slow) for point in ("after", "journal"))]
)
def test_a_machine_that_stops_while_recording_loses_no_record(audited: CommandLine, point: str) -> None:
    killed = audited("create", "valkey:small", "-a", "shop", ADDONKIT_FAULT=f"{point}:record_provisioning=kill")
    assert killed.status < 0
    assert audited("retry", "shop-valkey").status == 0
    killed = audited("destroy", "shop-valkey", "--yes", ADDONKIT_FAULT=f"{point}:record_deprovisioning=kill")
    assert killed.status < 0
    audited("destroy", "shop-valkey", "--yes")

    found = [(record["what"], record["id"]) for record in records(audited)]
    assert [what for what, _ in dict.fromkeys(found)] == ["provisioned", "deprovisioned"]
    assert len(found) == (4 if point == "after" else 2)


def test_what_cannot_be_recorded_is_not_made(audited: CommandLine, home: Path) -> None:
    refused = audited("create", "valkey:small", "-a", "shop", ADDONKIT_AUDIT_FILE=str(home / "nowhere" / "audit"))

    assert refused.status == 1
    assert "writing the audit record of shop-valkey" in refused.err
    assert left_behind(home) == ()
    assert audited("destroy", "shop-valkey", "--yes").status == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nowhere_to_be_found", "importing acme_rules failed"),
        ("def broken(:", "importing acme_rules failed"),
        (
            "from addonkit import hookimpl\n\n\n@hookimpl(wrapper=True)\ndef addon_provision():\n    yield\n    raise KeyError('x')\n",
            "acme-rules",
        ),
    ],
)
def test_a_policy_that_is_broken_lets_nothing_pass(home: Path, tmp_path: Path, text: str, says: str) -> None:
    info = tmp_path / "acme_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[addonkit.plugins]\nacme-rules = acme_rules\n")
    (tmp_path / "acme_rules.py").write_text(text)
    command = CommandLine(home, {"PYTHONPATH": str(tmp_path)})

    refused = command("create", "valkey", "-a", "shop")

    assert refused.status == 1, refused
    assert len(refused.err.splitlines()) == 1, refused.err
    assert says in refused.err
    assert command("list", "--json").data["instances"] == []
    assert left_behind(home) == ()
    blocked = CommandLine(home, {"PYTHONPATH": str(tmp_path), "ADDONKIT_BLOCK": "acme-rules"})
    assert blocked("create", "valkey", "-a", "shop").status == 0, "an operator can do without it"
    assert blocked("doctor").out == "no problems found\n", "what was blocked on purpose is not broken"
    assert blocked("destroy", "shop-valkey", "--yes").status == 0
