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


def test_damaged_metadata_is_named_and_hides_no_other(tmp_path, paths):
    write(tmp_path / "a", "acme-damaged", "1", "x = acme_x", metadata=False)
    damaged = write(tmp_path / "b", "acme-binary", "1", "y = acme_y")
    (damaged / "entry_points.txt").write_bytes(b"[addonkit.addons]\ny = \xff\xfe\n")
    found = discover([str(tmp_path / "a"), str(tmp_path / "b"), *paths("good-memo")])
    assert [(each.name, each.distribution, each.state, each.reason) for each in found] == [
        ("*", "acme-binary", State.BROKEN, "its entry_points.txt is not UTF-8"),
        ("memo", "acme-memo", State.OK, ""),
        ("x", "acme-damaged", State.BROKEN, "it has no METADATA"),
    ]


def test_metadata_of_any_size_is_read_in_part(tmp_path, monkeypatch):
    huge = write(tmp_path / "a", "acme-huge", "1", "huge = acme_huge")
    with (huge / "METADATA").open("a") as file:
        file.write("Summary: large\n\n")
        file.truncate(2**40)
    endless = write(tmp_path / "b", "acme-endless", "1", "endless = acme_endless")
    with (endless / "METADATA").open("a") as file:
        file.writelines(f"Requires-Dist: package-{number}\n" for number in range(50_000))
    many = write(tmp_path / "c", "acme-many", "1", "\n".join(f"many{number} = acme" for number in range(50_000)))
    several = write(tmp_path / "d", "acme-several", "1", "\n".join(f"n{number} = acme" for number in range(3_000)))
    found = discover([str(each.parent) for each in (huge, endless, many, several)])
    assert [(each.name, each.distribution, each.state, each.reason) for each in found] == [
        ("*", "acme-many", State.BROKEN, "its entry_points.txt is larger than 256 KiB"),
        ("*", "acme-several", State.BROKEN, "it has 3000 entry points of addonkit; 100 is the most"),
        ("endless", "acme-endless", State.BROKEN, "the headers of its METADATA are larger than 256 KiB"),
        ("huge", "acme-huge", State.OK, ""),
    ]


@pytest.mark.parametrize("value", ["../x", "acme one", "acme:", ":x", "acme;import os", "", "a.b:c d"])
def test_an_entry_point_that_names_no_module_is_broken(tmp_path, value):
    write(tmp_path, "acme-x", "1", f"x = {value}\nwell = acme_x.sub:plugin.part [extra]")
    found = {each.name: each for each in discover([str(tmp_path)])}
    assert found["well"].state is State.OK
    assert found["x"].state is State.BROKEN
    assert found["x"].reason == f"its entry point {value!r} is no package.module:attribute"


def test_what_a_distribution_calls_itself_is_cleaned(tmp_path):
    info = write(tmp_path, "acme-x", "1", "ev\x1b[32mil = acme\x07_x")
    (info / "METADATA").write_text(f"Name: evil\x1b]0;TITLE\x07\nVersion: 1\n  folded\x9b{'x' * 1000}\n")
    (found,) = discover([str(tmp_path)])
    assert (found.name, found.distribution) == ("ev\\x1b[32mil", "evil\\x1b]0;TITLE\\x07")
    assert all(text.isprintable() for text in (found.name, found.origin, found.reason, found.value))
    assert len(found.version) <= 100


def test_a_rival_that_cannot_be_used_is_no_rival(tmp_path):
    write(tmp_path / "a", "acme-x", "1", "x = acme_x")
    write(tmp_path / "b", "evil-x", "1", "x = ../x")
    write(tmp_path / "c", "late-x", "1", "x = acme_late", ["addonkit>=99"])
    found = discover([str(tmp_path / each) for each in "abc"])
    assert {each.distribution: each.state for each in found} == {
        "acme-x": State.OK,
        "evil-x": State.BROKEN,
        "late-x": State.INCOMPATIBLE,
    }


def test_a_distribution_in_a_zip_file_is_found(tmp_path):
    info = write(tmp_path / "acme", "acme-x", "1", "x = acme_x")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", info.parent)
    assert discover([archive]) == (Entry("x", ADDONS, "acme-x", "1", "acme_x"),)


def test_what_was_installed_in_the_meantime_is_found_next_time(tmp_path, paths):
    assert discover([str(tmp_path / "site")]) == ()
    shutil.copytree(paths("good-memo")[0], tmp_path / "site")
    assert states(discover([str(tmp_path / "site")])) == {"memo": State.OK}
