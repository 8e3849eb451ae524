"""What `WWW-Authenticate` says, in every way it may be written."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.images.challenge import Challenge, parse_challenges

WORD_SIGNS = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="a"', [("basic", {"realm": "a"})]),
        ("BASIC REALM=a", [("basic", {"realm": "a"})]),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull",
                    },
                )
            ],
        ),
        (
            'Bearer realm="r",scope="repository:a:pull,push"',
            [("bearer", {"realm": "r", "scope": "repository:a:pull,push"})],
        ),
        ('Basic realm="a", Bearer realm="b"', [("basic", {"realm": "a"}), ("bearer", {"realm": "b"})]),
        ("Negotiate, Basic realm=a", [("negotiate", {}), ("basic", {"realm": "a"})]),
        ("Negotiate YII=, Basic realm=a", [("negotiate", {}), ("basic", {"realm": "a"})]),
        ("Negotiate YII==", [("negotiate", {})]),
        ('Bearer realm = "a" , service\t=\tb', [("bearer", {"realm": "a", "service": "b"})]),
        (r'Basic realm="say \"hi\" \\"', [("basic", {"realm": r'say "hi" \\'[:-1]})]),
        ('Basic realm="a", realm="b"', [("basic", {"realm": "a"})]),
        ('Basic realm=""', [("basic", {"realm": ""})]),
        ('Basic realm="a, Bearer realm=', [("basic", {})]),
        ("Basic é", [("basic", {})]),
        ("?", []),
        ("=", []),
    ],
)
def test_a_header_says_this(header, expected):
    assert parse_challenges([header]) == tuple(Challenge(*each) for each in expected)


def test_several_headers_are_read_in_order():
    assert [each.scheme for each in parse_challenges(["Bearer realm=a", "Basic realm=b"])] == ["bearer", "basic"]


word = st.text(alphabet=WORD_SIGNS, min_size=1, max_size=8)
parameters = st.dictionaries(word.map(str.lower), st.text(max_size=20), max_size=4)
challenges = st.lists(st.builds(Challenge, word.map(str.lower), parameters), max_size=4)


def written(challenge: Challenge, gap: str) -> str:
    pairs = [f"{key}={quoted(value)}" for key, value in challenge.parameters.items()]
    return f"{challenge.scheme} {gap.join(pairs)}".rstrip(" ")


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(challenges, st.sampled_from([",", ", ", " ,", ",\t,"]))
def test_what_is_written_is_read(challenges, gap):
    assert parse_challenges([gap.join(written(each, gap) for each in challenges)]) == tuple(challenges)


@given(word, st.dictionaries(word.map(str.lower), word, min_size=1, max_size=4))
def test_plain_words_need_no_quotes(scheme, values):
    header = f"{scheme} " + ", ".join(f"{key}={value}" for key, value in values.items())
    assert parse_challenges([header]) == (Challenge(scheme.lower(), values),)


@given(st.one_of(st.text(), st.text(alphabet='aB=," \\\t/', max_size=40)))
def test_any_header_is_read_without_a_fault(header):
    for challenge in parse_challenges([header]):
        assert challenge.scheme
        assert all(key == key.lower() and key for key in challenge.parameters)


@given(challenges.filter(bool), st.text(max_size=20))
def test_a_malformed_end_takes_nothing_from_what_stands_before(challenges, tail):
    header = ", ".join(written(each, ",") for each in challenges)
    read = parse_challenges([f'{header}, "{tail}'])
    assert read[: len(challenges)] == tuple(challenges)
