"""SCRAM verifiers. That a server takes them for the password is shown by every test that logs in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit_postgresql.scram import verifier

ASCII = st.text(st.characters(max_codepoint=127))


def test_the_example_of_rfc_7677_is_met() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    auth = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")

    stored, server = (base64.b64decode(key) for key in verifier("pencil", salt).split("$")[2].split(":"))

    client_key = bytes(a ^ b for a, b in zip(proof, hmac.digest(stored, auth, "sha256"), strict=True))
    assert hashlib.sha256(client_key).digest() == stored, "the client's proof is accepted"
    assert base64.b64encode(hmac.digest(server, auth, "sha256")) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@given(ASCII)
def test_it_has_the_form_that_postgresql_knows_and_does_not_show_the_password(password: str) -> None:
    text = verifier(password, iterations=1)

    assert re.fullmatch(r"SCRAM-SHA-256\$1:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=", text)
    assert len(password) < 8 or password not in text


def test_two_of_one_password_differ_by_their_salt() -> None:
    assert verifier("same") != verifier("same")


def test_a_password_that_would_need_preparation_is_refused() -> None:
    with pytest.raises(ValueError, match="SASLprep"):
        verifier("pässword")
