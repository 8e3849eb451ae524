from __future__ import annotations

import json
import logging
import pickle
import string
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.models.secret import ALPHABET, Secret, reveal

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    "show",
    [repr, str, ascii, "{}".format, "{!r:>20}".format, "{:>20}".format, "%s".__mod__, "%r".__mod__, lambda s: f"{s:x}"],
)
def test_a_secret_hides_itself(show):
    assert "hunter2" not in show(Secret("hunter2"))
    assert "***" in show(Secret("hunter2"))


def test_a_secret_hides_itself_in_containers_logs_and_traces(caplog):
    secret = Secret("hunter2")
    with caplog.at_level(logging.INFO):
        logging.getLogger(__name__).info("%s %r %s", secret, secret, {"password": [secret]})
    trace = "".join(traceback.format_exception(ValueError(secret)))

    assert "hunter2" not in caplog.text + trace
    assert "Secret(***)" in caplog.text


@pytest.mark.parametrize("leak", [pickle.dumps, json.dumps, lambda s: s.__dict__])
def test_a_secret_does_not_leave_by_a_back_door(leak):
    with pytest.raises((TypeError, AttributeError)) as caught:
        leak(Secret("hunter2"))
    assert "hunter2" not in str(caught.value)


@given(text=ANY_TEXT)
def test_a_secret_is_revealed_where_it_is_asked(text):
    assert Secret(text).reveal() == reveal(Secret(text)) == reveal(text) == text
    assert bool(Secret(text)) == bool(text)


@given(one=ANY_TEXT, other=ANY_TEXT)
def test_secrets_are_equal_as_their_texts_are(one, other):
    assert (Secret(one) == Secret(other)) == (one == other)
    assert hash(Secret(one)) == hash(Secret(one))
    assert Secret(one) != one


@given(length=st.integers(32, 200))
def test_generated_secrets_are_safe_everywhere(length):
    text = Secret.generate(length).reveal()

    assert len(text) == length
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")
    assert text[0] not in "-_"  # never taken for an option


def test_generated_secrets_differ_and_use_all_of_the_alphabet():
    texts = {Secret.generate().reveal() for _ in range(200)}

    assert len(texts) == 200
    assert set("".join(texts)) == set(ALPHABET)
    assert len(set(ALPHABET)) == 64


@pytest.mark.parametrize("length", [31, 0, -1])
def test_a_short_secret_is_not_generated(length):
    with pytest.raises(ValueError, match="at least 32"):
        Secret.generate(length)
