"""With -v an author sees the lines of their own code that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

MEMO = Path(__file__).parents[2] / "addons" / "good-memo"


@pytest.fixture
def command(tmp_path):
    """The command with an addon whose step, and whose undoing, fails."""
    site = tmp_path / "site"
    info = site / "acme_broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: acme-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[addonkit.addons]\nbroken = acme_broken\n")
    code = (MEMO / "acme_memo.py").read_text().replace('"memo', '"broken')
    code = code.replace('"""Make the URL."""', '"""Make the URL."""\n    find_it({"a": 1})')
    (site / "acme_broken.py").write_text(f"{code}\n\ndef find_it(settings):\n    return settings['mem']\n")
    return CommandLine(tmp_path / "home", {"PYTHONPATH": str(site)})


def test_a_step_that_raises_shows_the_authors_lines(command):
    failed = command("create", "broken", "-a", "shop", "-v")
    assert failed.status == 1
    assert "acme_broken.py" in failed.err
    assert "in make_url\n" in failed.err
    assert "return settings['mem']" in failed.err
    again = command("retry", "shop-broken", "-v")
    assert "in find_it\n" in again.err


def test_without_v_there_is_one_line(command):
    failed = command("create", "broken", "-a", "shop")
    assert "acme_broken.py" not in failed.err
    assert failed.err.splitlines()[-1].startswith("error: creating shop-broken")
