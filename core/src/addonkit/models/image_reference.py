"""Image references: parse, print, and choose by version. Pure functions.

The grammar is that of the OCI distribution project: `[registry/]path[:tag][@digest]`. As everywhere,
the first part is a registry only when it looks like a host: with a dot, a colon or a capital letter,
or exactly `localhost`.
"""

from __future__ import annotations

import re
from typing import Final

from addonkit.errors import InvalidReference
from addonkit.util.values import frozen

PATH_MAX: Final = 255
"""Longest path of an image, in characters."""

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# Shorter hex than an algorithm makes is let through here: the registry knows better than we do.
_DIGEST: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]+")
_BARE_DIGEST: Final = re.compile(r"(?:sha256|sha512|blake3):[0-9A-Fa-f]+")
_ADVICE: Final = "write it like 'registry.example.com/path:tag'"


@frozen
class ImageReference:
    """A reference to an image. `parse` and `str` are inverses; what cannot be printed cannot be made.

    Attributes:
        path: as `library/postgres`; never empty.
        registry: `host[:port]`; empty when the reference leaves it to the default registry.
        tag: empty without one.
        digest: `algorithm:hex`; empty without one.

    Raises:
        InvalidReference: when the parts do not make a reference that parses to the same parts.
    """

    path: str
    registry: str = ""
    tag: str = ""
    digest: str = ""

    def __attrs_post_init__(self) -> None:
        text = str(self)
        fault = _fault(self)
        if not fault and _split(text) != (self.registry, self.path, self.tag, self.digest):
            fault = f"{self.path.partition('/')[0]!r} would be read as its registry, or the registry as its path"
        if fault:
            raise InvalidReference(f"cannot read image {text!r}", fault, _ADVICE)

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read a reference.

        Raises:
            InvalidReference: naming the part that does not match the grammar.
        """
        registry, path, tag, digest = _split(text)
        reference = cls(path, registry, tag, digest)
        if str(reference) != text:
            raise InvalidReference(f"cannot read image {text!r}", "its tag or digest is empty", _ADVICE)
        return reference

    def __str__(self) -> str:
        name = f"{self.registry}/{self.path}" if self.registry else self.path
        tagged = f"{name}:{self.tag}" if self.tag else name
        return f"{tagged}@{self.digest}" if self.digest else tagged


def resolve_image(base_image: str, default_version: str, requested: str = "") -> str:
    """Return the image that a version means.

    Empty, `requested` is `default_version`. It is a tag of `base_image` (`16`), a digest of it (`sha256:...`) or a
    whole reference. A whole reference has a `/`, `:` or `@` in it, and stays as it is.

    Raises:
        InvalidReference: when there are blanks around a part, no version at all, or what comes out is
            not a reference.
    """
    version = requested or default_version
    for part in (base_image, version):
        if part != part.strip():
            raise InvalidReference(f"cannot read {part!r}", "it has surrounding blanks", "leave them out")
    if not version:
        raise InvalidReference(f"cannot choose an image of {base_image!r}", "no version is given", "name one")
    if _BARE_DIGEST.fullmatch(version):
        return str(ImageReference.parse(f"{base_image}@{version}"))
    if not {"/", ":", "@"}.isdisjoint(version):
        return str(ImageReference.parse(version))
    return str(ImageReference.parse(f"{base_image}:{version}"))


def version_of(reference: str) -> str:
    """Return the tag of an image reference; empty when it has none.

    Raises:
        InvalidReference: when it does not parse.
    """
    return ImageReference.parse(reference).tag


def _split(text: str) -> tuple[str, str, str, str]:
    """Return registry, path, tag and digest by position alone; whether they are legal is another question."""
    name, _, digest = text.partition("@")
    first, slash, rest = name.partition("/")
    is_host = first == "localhost" or not {".", ":"}.isdisjoint(first) or first != first.lower()
    registry, remote = (first, rest) if slash and is_host else ("", name)
    path, _, tag = remote.partition(":")
    return registry, path, tag, digest


def _fault(reference: ImageReference) -> str:
    """Return what is wrong with the first illegal part; empty when all are legal."""
    if reference.registry and not _REGISTRY.fullmatch(reference.registry):
        return f"registry {reference.registry!r} is not host[:port]"
    if not _PATH.fullmatch(reference.path):
        return f"path {reference.path!r} has other signs than small letters, digits and single '.', '_', '-' between"
    if len(reference.path) > PATH_MAX:
        return f"its path has {len(reference.path)} characters, more than {PATH_MAX}"
    if reference.tag and not _TAG.fullmatch(reference.tag):
        return f"tag {reference.tag!r} is not up to 128 letters, digits, '_', '.' or '-'"
    if reference.digest and not _DIGEST.fullmatch(reference.digest):
        return f"digest {reference.digest!r} is not algorithm:hex"
    return ""
