"""Names are names that services take, and no two instances share one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit_s3_remote.naming import LONGEST_BUCKET, bucket_names, folder_of, user_of

APPS = st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True) | st.text(max_size=80)
IDS = st.from_regex(r"[a-z0-9]{10}", fullmatch=True)
RULE = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@given(app=APPS, id=IDS)
def test_every_name_follows_the_rules_of_dns(app: str, id: str) -> None:
    for name in bucket_names(app, id):
        assert RULE.fullmatch(name), name
        assert len(name) <= LONGEST_BUCKET
        assert not name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        assert not name.endswith(("-s3alias", "--ol-s3"))


@given(app=APPS, id=IDS)
def test_names_are_the_same_each_time_and_differ_from_each_other(app: str, id: str) -> None:
    names = bucket_names(app, id)

    assert names == bucket_names(app, id)
    assert len(set(names)) == len(names)


@given(apps=st.tuples(APPS, APPS), ids=st.tuples(IDS, IDS))
def test_no_folder_holds_another_one(apps: tuple[str, str], ids: tuple[str, str]) -> None:
    one, other = folder_of(apps[0], ids[0]), folder_of(apps[1], ids[1])

    assert one.endswith("/")
    assert (ids[0] == ids[1]) or not one.startswith(other)


@pytest.mark.parametrize(
    ("app", "bucket"),
    [("shop", "shop-k3x7mw2abc"), ("My_Shop", "my-shop-k3x7mw2abc"), ("x" * 70, f"{'x' * 52}-k3x7mw2abc")],
)
def test_names_tell_the_app_and_the_instance(app: str, bucket: str) -> None:
    assert bucket_names(app, "k3x7mw2abc")[0] == bucket
    assert bucket_names("shop", "k3x7mw2abc")[1] == "shop-k3x7mw2abc-2"
    assert user_of("k3x7mw2abc") == "addonkit-k3x7mw2abc"
