from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import SecretError, StoreError
from addonkit.models.app import App
from addonkit.models.compute import CreateSandboxPoolSpec, File, Mount, Pool, Port, Probe, Program, Service, Volume
from addonkit.models.definition import ProgramSource
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.models.instance import AddonEntity, Association, Instance, Phase, Server
from addonkit.models.lease import Lease
from addonkit.models.result import BindResult, Inventory, ProvisionResult
from addonkit.models.secret import Secret
from addonkit.models.variable import Variable
from addonkit.store.codec import Codec, structure, unstructure
from addonkit.store.converter import converter
from addonkit.store.readers import reader_of
from addonkit.store.sealing import Sealer
from addonkit.testing.store_values import Note

ROW = "note/a"
NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
VARIABLES = (Variable("URL", Secret("u")), Variable("HOST", "h"), Variable("TOKEN", "t", sensitive=True))
ATTRIBUTES = {"password": Secret("p"), "deep": [{"key": Secret("k")}, 1, 1.5, None, True], "$sealed": "mine"}
PROGRAM = Program(
    ProgramSource(("server",)),
    "18",
    ("server", "{port}"),
    Probe("main", "ping", ("pong",)),
    prepare=(("init", "{disk}"),),
    files=(File("{run}/a", Secret("f")), File("{run}/b", "g")),
    env={"A": Secret("e"), "B": "e"},
)
SPEC = CreateSandboxPoolSpec(
    "p",
    program=PROGRAM,
    env={"A": Secret("e")},
    ports=(Port("main", 1),),
    mounts=(Mount("v", "/v"),),
    volumes=(Volume("v", "d"),),
)
EVENT = Event("e", "s", EventKind.RETRYING, "again", NOW, "step", 1, 2, {"instance": "i"})
STEPS = (StepRecord("a", StepStatus.DONE, {"password": Secret("p")}, attempts=2), StepRecord("b"))

VALUES = [
    App("shop", VARIABLES),
    Instance(
        "i",
        "db",
        "postgresql",
        "shop",
        "small",
        retry_at=NOW,
        variables=VARIABLES,
        attributes=ATTRIBUTES,
        phase=Phase.ERROR,
    ),
    Association("a", "shop", "i", "postgresql", plain=VARIABLES, variables=VARIABLES, attributes=ATTRIBUTES),
    Server("s", "postgresql", "shared:x", config={"image": "x"}, attributes=ATTRIBUTES),
    AddonEntity("postgresql", variants={"small": {"storage": "1Gi"}}),
    Pool("p", SPEC, "process", "127.0.0.1", {"main": 5432}),
    Service("s", {"server": "p"}, 1),
    Execution(
        "e",
        "s",
        1,
        ExecutionStatus.UNDOING,
        STEPS,
        ATTRIBUTES,
        {"instance": "i"},
        undo_at=NOW,
        created=NOW,
        events=(EVENT,),
    ),
    Lease("k", "o", 3, NOW),
    ProvisionResult(VARIABLES, ATTRIBUTES),
    BindResult(VARIABLES, ATTRIBUTES),
    Inventory(("a", "b")),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_every_model_comes_back_as_it_was(codec, value):
    text = codec.dump(ROW, value)

    assert codec.load(ROW, text, type(value)) == value
    assert structure(unstructure(value), type(value)) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_read_as_the_converter_reads_it(value):
    kind, tree = type(value), unstructure(value)
    with_more = {**tree, "unknown": 1}

    assert reader_of(kind)(tree) == reader_of(kind)(with_more) == converter().structure(tree, kind)
    for name, part in tree.items():
        assert_read_alike(kind, {key: each for key, each in tree.items() if key != name})
        for wrong in (object(), 1, "1", 1.5, True, None, [part], {"a": part}):
            assert_read_alike(kind, {**tree, name: wrong})


def assert_read_alike(kind, tree):
    """What is read without the converter is what the converter reads."""
    with suppress(Exception):
        read = reader_of(kind)(tree)
        assert read == converter().structure(tree, kind)
        assert repr(read) == repr(converter().structure(tree, kind))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()))
    | st.builds(Secret, st.text()),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["$sealed", "$$sealed", "sealed"]), inner)
    ),
)


@given(extra=st.dictionaries(st.text() | st.sampled_from(["$sealed", "$$sealed"]), json_values))
def test_any_tree_of_json_and_secrets_comes_back_as_it_was(extra):
    codec = Codec(Sealer(b"k" * 32))

    assert codec.load(ROW, codec.dump(ROW, Note(extra=extra)), Note).extra == extra
    assert unstructure(extra) == extra


def test_the_text_is_plain_json_with_sealed_secrets(codec):
    tree = json.loads(codec.dump(ROW, Note("ü", password=Secret("x"), extra={"$sealed": 1, "$$sealed": 2})))

    assert tree["text"] == "ü"
    assert list(tree["password"]) == ["$sealed"]
    assert tree["extra"] == {"$$sealed": 1, "$$$sealed": 2}
    assert codec.dump(ROW, Note("ü")).isascii()


def test_a_text_moved_to_another_row_does_not_open(codec):
    text = codec.dump(ROW, Note(password=Secret("x")))

    with pytest.raises(SecretError, match="secret of note/b"):
        codec.load("note/b", text, Note)


def test_a_text_that_pretends_to_hold_a_secret_is_refused(codec):
    with pytest.raises(SecretError, match="not in a form"):
        codec.load(ROW, '{"password":{"$sealed":7}}', Note)


def test_what_a_newer_release_added_is_ignored_and_what_an_older_one_lacked_has_its_default(codec):
    assert codec.load(ROW, '{"text":"x","invented":{"later":1}}', Note) == Note("x")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"color":"mauve"}', "expected Color @ $.color"),
        ('{"shelf":"top"}', "$.shelf"),
        ('{"extra":{"a":1},"password":{"plain":1}}', "$.password"),
        ("{cut", "cannot read note/a"),
    ],
)
def test_a_text_that_does_not_fit_says_where(codec, text, complaint):
    with pytest.raises(StoreError, match="another release") as caught:
        codec.load(ROW, text, Note)
    assert complaint in str(caught.value)


def test_a_missing_field_is_named(codec):
    with pytest.raises(StoreError, match=r"required field missing @ \$.owner"):
        codec.load("lease/k", '{"key":"k","fence":1,"expires":"2030-01-01T00:00:00+00:00"}', Lease)


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    HELLO = "hello"


@attrs.frozen
class Inner:
    words: tuple[Word, ...]


@pytest.mark.parametrize(
    ("value", "tree"),
    [
        (Word.HELLO, "hello"),
        (Number.ONE, 1),
        ({Word.HELLO: Number.ONE}, {"hello": 1}),
        ((1, (2,)), [1, [2]]),
        (MappingProxyType({"a": Word.HELLO}), {"a": "hello"}),
        (Inner((Word.HELLO,)), {"words": ["hello"]}),
        ({"inner": Inner(())}, {"inner": {"words": []}}),
        (NOW, "2030-01-02T03:04:05.678901+00:00"),
        (NOW.astimezone(timezone(timedelta(hours=2))), "2030-01-02T03:04:05.678901+00:00"),
        (Path("/a"), "/a"),
        (None, None),
    ],
)
def test_values_become_plain_trees(value, tree):
    plain = unstructure(value)

    assert plain == tree
    assert json.loads(json.dumps(plain)) == tree
    assert type(plain) is type(tree)


def test_secrets_stay_secrets_in_a_tree():
    assert unstructure({"a": [Secret("x")]}) == {"a": [Secret("x")]}


@pytest.mark.parametrize(
    ("value", "error", "complaint"),
    [
        (object(), TypeError, "type object"),
        ({1: "a"}, TypeError, "key of type int"),
        ([float("nan")], ValueError, "JSON does not have"),
        ([float("inf")], ValueError, "JSON does not have"),
        (datetime(2030, 1, 1), ValueError, "without a time zone"),  # noqa: DTZ001 - the mistake under test
    ],
)
def test_what_json_cannot_say_is_refused(codec, value, error, complaint):
    with pytest.raises(error, match=complaint):
        unstructure(value)
    with pytest.raises(error, match=f"cannot store note/a: .*{complaint}"):
        codec.dump(ROW, Note(extra={"x": value}))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (str, "a"),
        (int, 3),
        (Secret, Secret("x")),
        (str | Secret, Secret("x")),
        (str | Secret, "x"),
        (str | Secret | None, None),
        (Secret | None, Secret("x")),
        (Mapping[str, str | Secret], {"a": Secret("x"), "b": "y"}),
        (tuple[Pool, ...], (Pool("p", SPEC, "process"),)),
        (Pool | None, None),
        (datetime, NOW),
        (Path, Path("/a")),
        (bytes, b"\x00\xff"),
        (Any, {"a": [1, Secret("x")]}),
        (dict[str, Phase], {"a": Phase.ACTIVE}),
        (set[str], {"a", "b"}),
    ],
)
def test_outputs_come_back_by_their_annotation(kind, value):
    assert structure(unstructure(value), kind) == value


def test_clear_text_is_not_taken_for_a_secret():
    with pytest.raises(ValueError, match="expected a Secret"):
        structure("clear", Secret)


def test_no_message_shows_a_secret(codec):
    with pytest.raises(TypeError) as caught:
        codec.dump(ROW, Note(extra={"x": Secret("hunter2"), "y": object()}))
    assert "hunter2" not in repr(caught.value)
    with pytest.raises(StoreError) as refused:
        codec.load("lease/k", codec.dump("lease/k", {"key": Secret("hunter2"), "fence": Secret("hunter2")}), Lease)
    assert "hunter2" not in str(refused.value) + repr(refused.value.__cause__)


def test_a_value_that_was_read_is_given_to_all_readers_and_cannot_be_changed(codec):
    extra = {"list": [1, {"deep": Secret("x")}], "dict": {"a": [2]}}
    text = codec.dump(ROW, Note(extra=extra))
    read = codec.load(ROW, text, Note)

    assert codec.load(ROW, text, Note) is read
    assert read.extra == extra
    for change in (
        lambda: read.extra.update(a=1),
        lambda: read.extra["list"].append(1),
        lambda: read.extra["list"][1].pop("deep"),
        lambda: read.extra["dict"].__setitem__("a", 1),
    ):
        with pytest.raises(TypeError, match="make a copy of it"):
            change()
    assert codec.dump(ROW, attrs.evolve(read, extra={**read.extra, "more": 1}))
    assert type(copy.copy(read.extra)) is dict
    assert type(copy.copy(read.extra["list"])) is list
    assert type(read.extra | {}) is dict
    assert json.loads(json.dumps(read.extra["dict"])) == {"a": [2]}


def test_what_is_read_by_annotation_can_be_changed(codec):
    found = structure({"a": [1]}, Mapping[str, Any])
    found["a"].append(2)

    assert found == {"a": [1, 2]}


def test_what_a_step_gets_of_a_value_that_was_read_can_be_changed(codec):
    text = codec.dump(ROW, Note(extra={"list": [{"a": [1]}]}))
    found = structure(codec.load(ROW, text, Note).extra, Mapping[str, Any])
    found["list"][0]["a"].append(2)
    found["more"] = 1

    assert found == {"list": [{"a": [1, 2]}], "more": 1}
    assert codec.load(ROW, text, Note).extra == {"list": [{"a": [1]}]}
