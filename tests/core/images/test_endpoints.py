"""Who is asked about an image."""

from __future__ import annotations

import pytest

from addonkit.errors import InvalidInput
from addonkit.images.endpoints import Endpoint, endpoints, normalise
from addonkit.models.image_reference import ImageReference

HUB = Endpoint("docker.io", "https://registry-1.docker.io")


def asked(image, mirrors=(), insecure=()):
    return endpoints(normalise(ImageReference.parse(image)), dict(mirrors), insecure)


@pytest.mark.parametrize(
    ("image", "normal"),
    [
        ("postgres", "docker.io/library/postgres"),
        ("postgres:16", "docker.io/library/postgres:16"),
        ("team/app", "docker.io/team/app"),
        ("docker.io/postgres", "docker.io/library/postgres"),
        ("index.docker.io/team/app", "docker.io/team/app"),
        ("registry-1.docker.io/library/postgres", "docker.io/library/postgres"),
        ("r.io/postgres@sha256:ab", "r.io/postgres@sha256:ab"),
        ("R.io:5000/app", "r.io:5000/app"),
        ("localhost/app", "localhost/app"),
    ],
)
def test_a_reference_is_spelt_out(image, normal):
    assert str(normalise(ImageReference.parse(image))) == normal


@pytest.mark.parametrize(
    ("image", "base"),
    [
        ("postgres", "https://registry-1.docker.io"),
        ("r.io/app", "https://r.io"),
        ("r.io:5000/app", "https://r.io:5000"),
        ("localhost/app", "http://localhost"),
        ("localhost:5000/app", "http://localhost:5000"),
        ("my.localhost/app", "http://my.localhost"),
        ("127.0.0.1:5000/app", "http://127.0.0.1:5000"),
        ("127.9.9.9:5000/app", "http://127.9.9.9:5000"),
        ("[::1]:5000/app", "http://[::1]:5000"),
        ("[fd00::1]:5000/app", "https://[fd00::1]:5000"),
        ("10.0.0.1:5000/app", "https://10.0.0.1:5000"),
        ("localhost.example.com/app", "https://localhost.example.com"),
        ("127.0.0.1.example.com/app", "https://127.0.0.1.example.com"),
    ],
)
def test_only_this_machine_is_asked_in_the_clear(image, base):
    assert [each.base for each in asked(image)] == [base]


@pytest.mark.parametrize(
    ("insecure", "scheme"),
    [("r.io", "http"), ("r.io:5000", "http"), ("R.IO", "http"), ("r.io:5001", "https"), ("io", "https")],
)
def test_what_is_listed_is_asked_in_the_clear(insecure, scheme):
    assert asked("r.io:5000/app", insecure=[insecure])[0].base == f"{scheme}://r.io:5000"


@pytest.mark.parametrize("key", ["docker.io", "index.docker.io", "registry-1.docker.io", "DOCKER.IO"])
def test_mirrors_come_first_in_their_order(key):
    mirrors = {key: ["https://m.example.com/hub/", "http://10.0.0.1:5000"], "r.io": ["https://other.example.com"]}
    assert asked("postgres", mirrors) == (
        Endpoint("m.example.com", "https://m.example.com/hub", mirror=True),
        Endpoint("10.0.0.1:5000", "http://10.0.0.1:5000", mirror=True),
        HUB,
    )


@pytest.mark.parametrize(
    "url",
    ["", "m.example.com", "ftp://m.example.com", "https://", "https://m.example.com?a=b", "https://m#x", "http://[::1"],
)
def test_a_mirror_is_an_http_url(url):
    with pytest.raises(InvalidInput, match="not a plain http or https URL"):
        asked("postgres", {"docker.io": [url]})


@pytest.mark.parametrize("url", ["https://reader:pass@m.example.com", "https://pass@m.example.com", "https://:pass@m"])
def test_a_login_in_the_url_of_a_mirror_is_refused_and_not_shown(url):
    with pytest.raises(InvalidInput) as caught:
        asked("postgres", {"docker.io": [url]})
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ("postgres", "https://registry-1.docker.io/v2/library/postgres/manifests/latest"),
        ("r.io/a/b:1", "https://r.io/v2/a/b/manifests/1"),
        ("r.io/a/b:1@sha256:ab", "https://r.io/v2/a/b/manifests/sha256:ab"),
    ],
)
def test_a_manifest_is_at_this_url(image, url):
    reference = normalise(ImageReference.parse(image))
    assert asked(image)[-1].manifest(reference) == url
