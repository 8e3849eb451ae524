"""The text of a manifest: what it says, and what is refused in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import InvalidInput
from addonkit.models.manifest import SCHEMA, AddonEntry, AppEntry, Manifest, manifest_text, parse_manifest


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[apps.shop.addons.postgresql]\nverson = "18"', "apps.shop.addons.postgresql.verson is not known"),
        ("[apps.shop]\naddon = 1", "apps.shop.addon is not known; did you mean 'addons'?"),
        ("[app.shop]", "app is not known; did you mean 'apps'?"),
        ("[apps.shop.variables]\nA = 1", "apps.shop.variables.A: 1 is not text; put it into quotes"),
        ("apps = 3", "apps: it is not a table"),
        ('[apps.shop.addons]\npostgresql = "small"', "apps.shop.addons.postgresql: it is not a table"),
        ('[apps."a b"]', "cannot use app name 'a b'"),
        ("[x", "it is not TOML"),
        ('[apps.shop.addons.A]\naddon = "valkey"', "cannot use 'A' as a name for an addon of an app"),
        ('[apps.shop.addons.a]\nattach = "b"\nversion = "1"', "it names both an addon and an instance to attach"),
        ('[apps.shop.addons.a]\naddon = "b"\nrole = "read"', "a role is of what an app attaches"),
        ("[apps.shop.addons.a]\nsocket = 1", "apps.shop.addons.a.socket: 1 is neither true nor false"),
        ('[apps.shop.variables]\n"a-b" = "1"', "cannot use 'a-b' as the name of a variable"),
        ('[apps.shop.variables]\nA = "\\u0000"', "its value has a NUL"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(text: str, found: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_manifest(text, "shop.toml")
    assert found in str(caught.value)
    assert str(caught.value).startswith("cannot use shop.toml: ")
    assert "\n" not in str(caught.value)


names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
entries = st.builds(AddonEntry, addon=names, version=st.sampled_from(["", "18"])) | st.builds(
    AddonEntry, attach=names, role=st.sampled_from(["", "read"]), socket=st.booleans()
)
apps = st.builds(
    AppEntry,
    st.dictionaries(names, entries),
    st.dictionaries(names.map(lambda n: n.replace("-", "_")), texts),
)


@given(st.builds(Manifest, st.dictionaries(names, apps)))
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    assert parse_manifest(manifest_text(manifest), "file") == manifest


def test_the_schema_names_every_key() -> None:
    app = SCHEMA["properties"]["apps"]["additionalProperties"]
    assert set(app["properties"]) == {field.name for field in AppEntry.__attrs_attrs__}
    assert set(app["properties"]["addons"]["additionalProperties"]["properties"]) == {
        field.name for field in AddonEntry.__attrs_attrs__
    }
