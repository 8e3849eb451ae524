"""What the last look found is remembered until anything that it was found by may differ."""

from __future__ import annotations

import os

import pytest

from addonkit.cli.installed_cache import FILE, Installed, load_installed, save_installed

FOUND = Installed(frozenset({"memo acme-memo"}), {"memod 1": "/usr/bin/memod"})


@pytest.fixture
def program(tmp_path):
    """A file that is old enough to be told from its next version."""
    path = tmp_path / "memod"
    path.write_text("1")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


@pytest.fixture
def no_code(monkeypatch):
    """Modules and distributions of this process take no part."""
    monkeypatch.setattr("addonkit.cli.installed_cache._code", lambda: ())


@pytest.fixture
def remembered(tmp_path, program, no_code):
    save_installed(tmp_path, FOUND, (str(program), str(tmp_path / "later")))
    assert load_installed(tmp_path) == FOUND
    return tmp_path


@pytest.mark.parametrize("change", ["content", "time", "removal", "another", "new"])
def test_a_file_that_changes_ends_it(remembered, program, change):
    before = program.stat()
    if change == "content":
        program.write_text("22")
        os.utime(program, ns=(before.st_mtime_ns, before.st_mtime_ns))
    elif change == "time":
        program.touch()
    elif change == "removal":
        program.unlink()
    elif change == "another":
        program.rename(remembered / "former")
        program.write_text("1")
        os.utime(program, ns=(before.st_mtime_ns, before.st_mtime_ns))
    else:
        (remembered / "later").touch()
    assert load_installed(remembered) is None


@pytest.mark.parametrize("name", ["PATH", "PYTHONPATH", "ADDONKIT_BLOCK", "ADDONKIT_PROGRAMS"])
def test_another_environment_ends_it(remembered, name, monkeypatch):
    monkeypatch.setenv(name, "/elsewhere")
    assert load_installed(remembered) is None


def test_a_file_that_was_changed_a_moment_ago_is_not_relied_on(tmp_path, program, no_code):
    program.touch()
    save_installed(tmp_path, FOUND, (str(program),))
    assert not (tmp_path / FILE).exists()


def test_looks_add_up_while_nothing_changes(remembered, program, tmp_path):
    save_installed(remembered, Installed(frozenset({"other acme-other"})), ())
    assert load_installed(remembered) == Installed(FOUND.addons | {"other acme-other"}, FOUND.programs)
    program.write_text("333")
    assert load_installed(remembered) is None
    os.utime(program, (1_000_000_000, 1_000_000_000))
    save_installed(remembered, Installed(frozenset({"third acme-third"})), ())
    assert load_installed(remembered) == Installed(frozenset({"third acme-third"}))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"environment": 1}', '{"files": {}}'])
def test_what_cannot_be_read_is_nothing(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    assert load_installed(tmp_path) is None


def test_a_new_distribution_or_an_edited_module_ends_it(tmp_path, monkeypatch):
    site = tmp_path / "site"
    info = site / "acme_memo-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text("[addonkit.addons]\nmemo = acme_memo\n")
    (info / "METADATA").write_text("Name: acme-memo\n")
    (site / "acme_memo.py").write_text("")
    monkeypatch.setattr("sys.path", [str(site)])
    monkeypatch.setattr("sys.modules", {"acme_memo": type(pytest)("acme_memo")})
    __import__("sys").modules["acme_memo"].__file__ = str(site / "acme_memo.py")
    changes = {
        "an edited module": lambda: (site / "acme_memo.py").write_text("x"),
        "a new distribution": (site / "acme_other-1.0.dist-info").mkdir,
        "edited entry points": lambda: (info / "entry_points.txt").write_text("[addonkit.addons]\n"),
        "an edited requirement": lambda: (info / "METADATA").write_text("Name: acme-memo\nVersion: 2\n"),
    }
    for change in changes.values():
        for path in (site, *site.rglob("*")):
            os.utime(path, (1_000_000_000, 1_000_000_000))
        save_installed(tmp_path, FOUND, ())
        assert load_installed(tmp_path) is not None
        change()
        assert load_installed(tmp_path) is None
