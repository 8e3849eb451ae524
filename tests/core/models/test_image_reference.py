"""Images: which one a version means, and references that parse and print as inverses."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import InvalidReference
from addonkit.models.image_reference import ImageReference, resolve_image, version_of

PG = "docker.io/library/postgres"


@pytest.mark.parametrize(
    ("base", "default", "requested", "expected"),
    [
        (PG, "17", "", f"{PG}:17"),
        (PG, "17", "16", f"{PG}:16"),
        (PG, "17", "registry.example.com/pg:v1", "registry.example.com/pg:v1"),
        ("b", "r.io/x:v2", "", "r.io/x:v2"),
        ("b", "17", "r.io/x@sha256:abc", "r.io/x@sha256:abc"),
        ("b", "17", "sha256:abc", "b@sha256:abc"),
        ("b", "17", "localhost:5000/img", "localhost:5000/img"),
        ("b", "17", "r.io/x", "r.io/x"),
        ("b", "17", "team/postgres", "team/postgres"),
        ("b", "17", "postgres:15", "postgres:15"),
        ("b", "17", "postgres@sha256:abc", "postgres@sha256:abc"),
        ("b", "17", "17.2-alpine", "b:17.2-alpine"),
        ("localhost:5000/pg", "17", "", "localhost:5000/pg:17"),
        ("", "17", "r.io/x:v2", "r.io/x:v2"),
    ],
)
def test_a_version_means_this_image(base, default, requested, expected):
    assert resolve_image(base, default, requested) == expected


@pytest.mark.parametrize(
    ("base", "default", "requested"),
    [
        ("b", "", ""),
        ("", "", ""),
        ("", "17", ""),
        ("", "", "sha256:abc"),
        ("b", "17", " 16"),
        ("b", "17", "16\n"),
        (" b", "17", ""),
        ("b", "17", "1 6"),
        ("b", "17", "-16"),
        ("b", "17", "x" * 129),
        ("b:15", "17", ""),
        ("b@sha256:abc", "17", ""),
        ("B", "17", ""),
        ("b", "17", "r.io/"),
        ("b", "17", "r.io/x:"),
        ("b", "17", "16@"),
    ],
)
def test_what_means_no_image_is_refused(base, default, requested):
    with pytest.raises(InvalidReference):
        resolve_image(base, default, requested)


def test_a_missing_version_says_so():
    with pytest.raises(InvalidReference, match="no version is given"):
        resolve_image("b", "")


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("postgres", "", "postgres", "", ""),
        ("postgres:16", "", "postgres", "16", ""),
        ("library/postgres", "", "library/postgres", "", ""),
        ("docker.io/library/postgres:16", "docker.io", "library/postgres", "16", ""),
        ("localhost/x", "localhost", "x", "", ""),
        ("localhost:5000", "", "localhost", "5000", ""),
        ("localhost:5000/a/b:c", "localhost:5000", "a/b", "c", ""),
        ("MyHost/x", "MyHost", "x", "", ""),
        ("[fd00::1]:5000/x:y", "[fd00::1]:5000", "x", "y", ""),
        ("192.168.0.1:5000/x", "192.168.0.1:5000", "x", "", ""),
        ("a.b", "", "a.b", "", ""),
        ("r.io/a__b/c---d.e_f:_T.x-1", "r.io", "a__b/c---d.e_f", "_T.x-1", ""),
        ("r.io/x:v1@sha256:0aF", "r.io", "x", "v1", "sha256:0aF"),
        ("x@sha512+b64:00", "", "x", "", "sha512+b64:00"),
    ],
)
def test_a_reference_has_these_parts(text, registry, path, tag, digest):
    assert ImageReference.parse(text) == ImageReference(path, registry, tag, digest)
    assert str(ImageReference.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "@", "/", "x:", "x@", "x@:", "x:@sha256:ab", "/x", "x/", "a//b", "X", "a/B", "r.io/X", "a..b",
        "a.-b", "a___b", "-a", "a-", "x:-t", "x:t:u", "x@sha256", "x@sha256:xyz", "x@sha256:ab@sha256:ab",
        "host.io:port/x", "-host.io/x", "ho_st.io/x", "[fd00::1/x", "x y", " x", "x ", "x:t\n", "é", "x:é", "x:٣",
    ],
)  # fmt: skip
def test_what_the_grammar_does_not_know_is_refused(text):
    with pytest.raises(InvalidReference):
        ImageReference.parse(text)


def test_a_path_is_at_most_255_characters_long():
    assert ImageReference.parse("r.io/" + "x" * 255).path == "x" * 255
    with pytest.raises(InvalidReference, match="256 characters"):
        ImageReference.parse("r.io/" + "x" * 256)


@pytest.mark.parametrize(("path", "registry"), [("r.io/x", ""), ("x", "library"), ("localhost/x", "")])
def test_parts_that_would_be_read_differently_cannot_be_put_together(path, registry):
    with pytest.raises(InvalidReference, match="would be read"):
        ImageReference(path, registry)


def test_the_version_of_a_reference_is_its_tag():
    assert version_of("docker.io/library/postgres:16-alpine") == "16-alpine"
    assert version_of("localhost:5000/img") == ""
    assert version_of("x:v1@sha256:ab") == "v1"


component = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
path = st.lists(component, min_size=1, max_size=3).map("/".join)
registry = st.one_of(
    st.just(""),
    st.just("localhost"),
    st.from_regex(r"[A-Za-z0-9]{1,5}(-[a-z]{1,3})?\.[a-z]{2,3}(:[0-9]{1,5})?", fullmatch=True),
)
tag = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
digest = st.from_regex(r"[a-z][a-z0-9]{0,6}([+._-][a-z][a-z0-9]{0,3})?:[0-9a-fA-F]{1,64}", fullmatch=True)


@st.composite
def references(draw) -> ImageReference:
    parts = draw(st.tuples(path, registry, st.just("") | tag, st.just("") | digest))
    try:
        return ImageReference(*parts)
    except InvalidReference:
        return ImageReference("x", *parts[1:])


@given(references())
def test_what_is_printed_parses_to_the_same(reference):
    assert ImageReference.parse(str(reference)) == reference


@given(st.one_of(st.text(max_size=30), st.text(alphabet="aZ0.:/@-_ [é", max_size=20)))
def test_what_parses_prints_to_the_same(text):
    try:
        reference = ImageReference.parse(text)
    except InvalidReference:
        return
    assert str(reference) == text


@given(references())
def test_a_whole_reference_stays_whole(reference):
    text = str(reference)
    if any(sign in text for sign in "/:@") and not text.startswith(("sha256:", "sha512:", "blake3:")):
        assert resolve_image("base", "1", text) == text


@given(path, tag, tag)
def test_a_tag_is_put_behind_the_base(base, default, requested):
    name = f"r.io/{base}"
    assert resolve_image(name, default, requested) == f"{name}:{requested}"
    assert resolve_image(name, default) == f"{name}:{default}"
    assert version_of(resolve_image(name, default, requested)) == requested


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_answer_is_a_reference(base, default, requested):
    try:
        answer = resolve_image(base, default, requested)
    except InvalidReference:
        return
    assert str(ImageReference.parse(answer)) == answer
    assert not set(answer) & set(string.whitespace)
