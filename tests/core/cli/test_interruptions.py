"""Ctrl-C and kill at many moments: the next command continues or undoes, and nothing is orphaned."""

from __future__ import annotations

import json
import signal

import pytest

from addonkit.testing.home import left_behind

CREATE = ("create", "postgresql:small", "-a", "shop")
RETRY = ("retry", "postgresql", "-a", "shop")
DESTROY = ("destroy", "postgresql", "-a", "shop", "--now", "--yes")


@pytest.mark.parametrize(
    ("point", "how", "then"),
    [
        ("before:join_server", "interrupt", RETRY),
        pytest.param("after:join_server", "interrupt", DESTROY, marks=pytest.mark.slow),
        pytest.param("after:create_pool", "interrupt", CREATE, marks=pytest.mark.slow),
        pytest.param("journal:create_tenant", "kill", RETRY, marks=pytest.mark.slow),
    ],
)
def test_a_create_that_was_stopped_is_continued_or_undone(addonkit, home, point, how, then):
    status = 130 if how == "interrupt" else -signal.SIGKILL
    stopped = addonkit(*CREATE, status=status, ADDONKIT_FAULT=f"{point}={how}")
    if how == "interrupt":
        assert stopped.stderr.splitlines()[-1].startswith("interrupted: run the same command again to continue")
    assert "unfinished: shop-postgresql" in addonkit("doctor", status=1).stdout

    addonkit(*then)

    if then != DESTROY:
        assert json.loads(addonkit("show", "shop-postgresql", "--json").stdout)["phase"] == "active"
        addonkit(*DESTROY)
    assert left_behind(home) == ()
    assert addonkit("doctor").stdout == "no problems found\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "then"),
    [
        ("before:remove_tenant", DESTROY),
        ("after:delete_pool", RETRY),
        ("after:forget_server", DESTROY),
    ],
)
def test_a_destroy_that_was_interrupted_is_continued(addonkit, home, point, then):
    addonkit(*CREATE)
    stopped = addonkit(*DESTROY, status=130, ADDONKIT_FAULT=f"{point}=interrupt")
    assert stopped.stderr.splitlines()[-1] == "interrupted: run `addonkit destroy shop-postgresql` to continue"
    assert "shop-postgresql" in addonkit(*then).stdout
    assert left_behind(home) == ()
    assert addonkit("doctor").stdout == "no problems found\n"


def test_an_undo_that_was_interrupted_is_continued(addonkit, home):
    fault = "before:build_result=raise,undo:create_tenant=interrupt"
    addonkit(*CREATE, status=130, ADDONKIT_FAULT=fault)
    addonkit(*DESTROY)
    assert left_behind(home) == ()
    assert addonkit("doctor").stdout == "no problems found\n"


def test_a_create_that_fails_tells_why_and_leaves_nothing(addonkit, home):
    failed = addonkit("-v", *CREATE, status=1, ADDONKIT_FAULT="before:create_tenant=raise")
    assert "4/5 create the owner and its database ... failed" in failed.stderr
    assert "3/5 create the service ... undone" not in failed.stderr.splitlines()[0]
    assert failed.stderr.splitlines()[-1].startswith("error: creating shop-postgresql: ")
    assert "addonkit retry shop-postgresql" in failed.stderr
    assert left_behind(home) == ()
    addonkit(*RETRY)
    addonkit(*DESTROY)
