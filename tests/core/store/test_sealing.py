from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import SecretError
from addonkit.store.sealing import Sealer

ROW = "instance/k3x9"


def sealer(key: bytes = b"k" * 32) -> Sealer:
    return Sealer(key)


@given(text=st.text(st.characters(exclude_categories=())), row=st.text(min_size=1))
def test_what_was_sealed_opens_for_its_row(text, row):
    assert sealer().open(sealer().seal(text, row), row) == text


def test_the_same_text_is_sealed_differently_each_time():
    assert sealer().seal("x", ROW) != sealer().seal("x", ROW)


def test_the_sealed_text_shows_the_key_id_and_nothing_else():
    form, key_id, body = sealer().seal("secret", ROW).split(".")

    assert (form, key_id) == ("1", sealer().key_id)
    assert len(base64.urlsafe_b64decode(body)) == 12 + len("secret") + 16  # nonce, text, tag
    assert sealer(b"j" * 32).key_id != key_id


def test_another_key_is_named():
    sealed, other = sealer().seal("x", ROW), sealer(b"j" * 32)

    with pytest.raises(SecretError) as caught:
        other.open(sealed, ROW)
    line = str(caught.value)
    assert line.startswith(f"cannot open a secret of {ROW}: it was sealed with key {sealer().key_id}")
    assert other.key_id in line
    assert "ADDONKIT_KEY" in line


def test_a_value_does_not_open_in_another_row():
    sealed = sealer().seal("x", ROW)

    with pytest.raises(SecretError, match="moved here from another row"):
        sealer().open(sealed, "instance/other")


@given(position=st.integers(0, 30), bit=st.integers(0, 7))
def test_a_value_with_any_bit_changed_does_not_open(position, bit):
    form, key_id, body = sealer().seal("abc", ROW).split(".")
    raw = bytearray(base64.urlsafe_b64decode(body))
    raw[position] ^= 1 << bit

    with pytest.raises(SecretError, match="it was changed"):
        sealer().open(f"{form}.{key_id}.{base64.urlsafe_b64encode(raw).decode()}", ROW)


@pytest.mark.parametrize("sealed", ["", "clear text", "2.abcd.x", "1.a.b.c"])
def test_an_unknown_form_is_refused(sealed):
    with pytest.raises(SecretError, match="not in a form"):
        sealer().open(sealed, ROW)


@pytest.mark.parametrize("body", ["%%%", "", "AAAA"])
def test_a_cut_value_is_refused(body):
    with pytest.raises(SecretError, match="it was changed"):
        sealer().open(f"1.{sealer().key_id}.{body}", ROW)


@pytest.mark.parametrize("key", [b"", b"k" * 31, b"k" * 33])
def test_a_key_of_another_length_is_refused(key):
    with pytest.raises(SecretError, match="a key has 32"):
        Sealer(key)
