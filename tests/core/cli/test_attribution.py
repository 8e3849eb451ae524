"""A bug report names whose code it was."""

from __future__ import annotations

from pathlib import Path

import pytest

import addonkit
from addonkit.cli.attribution import attribute

FAKES = Path(__file__).parents[2] / "addons"


def calling(module, inner=None):
    """A function of that module, which calls another one or raises."""
    scope = {"__name__": module, "inner": inner}
    exec("def call():\n    " + ("inner()" if inner else "raise ValueError('odd')"), scope)
    return scope["call"]


def raised_in(*modules):
    """An exception that was raised in the last of these modules, called from those before it."""
    call = None
    for module in reversed(modules):
        call = calling(module, call)
    with pytest.raises(ValueError) as caught:
        call()
    return caught.value


@pytest.fixture(autouse=True)
def memo(monkeypatch):
    monkeypatch.syspath_prepend(str(FAKES / "good-memo"))


@pytest.mark.parametrize(
    "modules", [("addonkit.engine.engine", "acme_memo"), ("addonkit.saga", "acme_memo.deep", "asyncio", "json")]
)
def test_the_addon_whose_code_came_last(modules):
    assert attribute(raised_in(*modules)) == "acme-memo 1.2.0 (addon memo)"


@pytest.mark.parametrize("value", ["../x", "", "a b:c", "acme_memo:"])
def test_an_entry_point_that_is_none_hides_no_culprit(monkeypatch, tmp_path, value):
    folder = tmp_path / "acme_odd-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-odd\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[addonkit.addons]\nodd = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert attribute(raised_in("addonkit.saga", "acme_memo")) == "acme-memo 1.2.0 (addon memo)"


@pytest.mark.parametrize(
    "modules", [("addonkit.cli.main",), ("acme_memo", "addonkit.store.sqlite", "sqlite3"), ("click.core",)]
)
def test_otherwise_the_core(modules):
    assert attribute(raised_in(*modules)) == f"addonkit {addonkit.__version__}"
