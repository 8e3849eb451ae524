"""What is installed is found by reading metadata; nothing is imported."""

from __future__ import annotations

import shutil
import sys

import pytest

from addonkit.registry.discovery import ADDONS, BACKENDS, PLUGINS, Entry, State, blocked_names, discover


def write(directory, name, version, entries, requires=(), *, metadata=True):
    info = directory / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    if metadata:
        lines = [f"Requires-Dist: {each}\n" for each in requires]
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(lines)}")
    if entries:
        (info / "entry_points.txt").write_text(f"[addonkit.addons]\n{entries}\n")
    return info


def states(found):
    return {each.name: each.state for each in found}


def test_every_entry_point_of_our_groups_is_found_sorted_and_nothing_is_imported(paths):
    before = set(sys.modules)
    found = discover(paths())
    assert not any(name.startswith("acme_") for name in set(sys.modules) - before)
    assert [each.name for each in found if each.group == ADDONS] == [
        "absent", "bad-size", "exits", "future", "memo", "no-default", "other-name", "raises", "shunned",
        "something-else", "twice", "twin", "twin", "typo", "vault", "wrong",
    ]  # fmt: skip
    assert [each.name for each in found if each.group == BACKENDS] == ["cloud", "fog"]
    assert [each.name for each in found if each.group == PLUGINS] == ["audit", "gone", "meddler", "nosy", "quiet"]
    assert [each.group for each in found] == sorted(each.group for each in found)


def test_an_entry_tells_who_ships_it(paths):
    assert discover(paths("good-memo")) == (Entry("memo", ADDONS, "acme-memo", "1.2.0", "acme_memo"),)
    assert discover(paths("good-memo"))[0].origin == "acme-memo 1.2.0"


def test_names_claimed_by_two_distributions_are_used_by_neither(paths):
    for found in discover(paths("rival-one", "rival-two")):
        assert found.state is State.CONFLICT
        assert found.reason == "acme-twin 1.0 and other-twin 4.0 claim its name, so none is used"


def test_one_name_in_two_groups_is_no_conflict(tmp_path):
    info = write(tmp_path, "acme-both", "1", "both = acme_both")
    with (info / "entry_points.txt").open("a") as file:
        file.write("[addonkit.plugins]\nboth = acme_both.policy\n")
    assert [each.state for each in discover([str(tmp_path)])] == [State.OK, State.OK]


def test_one_distribution_that_claims_a_name_twice_is_in_conflict_with_itself(tmp_path):
    write(tmp_path, "acme-double", "1", "double = acme_one\ndouble = acme_two")
    found = discover([str(tmp_path)])
    assert [each.state for each in found] == [State.CONFLICT, State.CONFLICT]


def test_blocking_the_distribution_settles_a_conflict(paths):
    found = discover(paths("rival-one", "rival-two"), blocked={"Acme.Twin"})
    assert [(each.distribution, each.state) for each in found] == [
        ("acme-twin", State.BLOCKED),
        ("other-twin", State.OK),
    ]


def test_a_blocked_name_is_not_used(paths):
    (found,) = discover(paths("blocked"), blocked={"shunned"})
    assert (found.state, found.reason) == (State.BLOCKED, "it is blocked by configuration")


@pytest.mark.parametrize(("text", "names"), [("", set()), ("a", {"a"}), (" a, b ,,c ", {"a", "b", "c"}), (",", set())])
def test_blocked_names_are_a_list_with_commas(text, names):
    assert blocked_names(text) == names


@pytest.mark.parametrize(
    ("requires", "state"),
    [
        ([], State.OK),
        (["addonkit"], State.OK),
        (["addonkit>=1,<2"], State.OK),
        (["Addonkit[testing]>=1"], State.OK),
        (["addonkit>=2"], State.INCOMPATIBLE),
        (["addonkit<1"], State.INCOMPATIBLE),
        (["addonkit-postgresql>=2"], State.OK),
        (["attrs", "addonkit>=2"], State.INCOMPATIBLE),
        (['addonkit>=2; extra == "future"'], State.OK),
        (['addonkit>=2; python_version < "3"'], State.OK),
        (['addonkit>=2; python_version > "3"'], State.INCOMPATIBLE),
        (["this is no requirement", "addonkit>=1"], State.OK),
    ],
)
def test_a_distribution_says_which_core_it_accepts(tmp_path, requires, state):
    write(tmp_path, "acme-x", "1", "x = acme_x", requires)
    assert states(discover([str(tmp_path)], core="1.4")) == {"x": state}


def test_a_pre_release_of_the_core_is_judged_by_its_number(tmp_path):
    write(tmp_path, "acme-x", "1", "x = acme_x", ["addonkit>=1"])
    assert states(discover([str(tmp_path)], core="1.4rc1")) == {"x": State.OK}


def test_an_addon_that_needs_another_core_says_which(paths):
    (found,) = discover(paths("needs-newer"), core="0.1.0")
    assert found.reason == "it needs addonkit >=99, this is 0.1.0"


def test_of_two_copies_of_a_distribution_the_first_counts(tmp_path):
    write(tmp_path / "first", "acme-x", "2", "x = acme_new")
    write(tmp_path / "second", "acme-x", "1", "x = acme_old")
    path = [str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "first")]
    assert discover(path) == (Entry("x", ADDONS, "acme-x", "2", "acme_new"),)


def test_a_copy_without_entries_hides_an_older_one_that_has_some(tmp_path):
    write(tmp_path / "first", "acme-x", "2", "")
    write(tmp_path / "second", "Acme.X", "1", "x = acme_old")
    assert discover([str(tmp_path / "first"), str(tmp_path / "second")]) == ()


def test_damaged_metadata_is_logged_and_hides_nobody(tmp_path, paths, caplog):
    write(tmp_path / "a", "acme-damaged", "1", "x = acme_x", metadata=False)
    damaged = write(tmp_path / "b", "acme-binary", "1", "y = acme_y")
    (damaged / "entry_points.txt").write_bytes(b"[addonkit.addons]\ny = \xff\xfe\n")
    found = discover([str(tmp_path / "a"), str(tmp_path / "b"), *paths("good-memo")])
    assert states(found) == {"memo": State.OK}
    assert len(caplog.records) == 2


def test_what_was_installed_in_the_meantime_is_found_next_time(tmp_path, paths):
    assert discover([str(tmp_path / "site")]) == ()
    shutil.copytree(paths("good-memo")[0], tmp_path / "site")
    assert states(discover([str(tmp_path / "site")])) == {"memo": State.OK}
