"""What is written for other programs is read back unchanged, or refused by name."""

from __future__ import annotations

import base64
import ctypes
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cfenv import AppEnv
from click import Choice
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from addonkit.cli.commands.env import env
from addonkit.errors import InvalidInput, UnwritableValue
from addonkit.util.env_documents import ServiceContent, to_json, to_k8s_secret, to_vcap
from addonkit.util.env_formats import FORMATS, EnvironmentContent, render
from addonkit.util.env_lines import to_docker, to_dotenv, to_shell, to_systemd

KEYS = st.from_regex(r"V_[A-Z0-9_]{1,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)
AWKWARD = st.text(st.sampled_from("ab '\"$`\\#={}!~*\n\t;&|<>()é"), max_size=12)
VALUES = st.dictionaries(KEYS, TEXTS | AWKWARD, max_size=4)


def read_by_sh(text, path):
    """The variables that sh has after reading a file."""
    path.write_bytes(text.encode())
    show = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('V_')}))"
    script = 'set -a; . "$1"; exec "$2" -c "$3"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(path), sys.executable, show],
        check=True, capture_output=True, timeout=60, env={"PYTHONUTF8": "1", "PATH": os.defpath},
    )  # fmt: skip
    return json.loads(done.stdout)


NODE = """
const { parseEnv } = require("node:util");
const show = (line) => console.log(JSON.stringify(parseEnv(JSON.parse(line))));
require("node:readline").createInterface({ input: process.stdin }).on("line", show);
"""


@pytest.fixture(scope="module")
def read_by_node():
    """What the parser behind `node --env-file` makes of a text."""
    with subprocess.Popen(["node", "-e", NODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:

        def read(text):
            print(json.dumps(text), file=node.stdin, flush=True)
            return json.loads(node.stdout.readline())

        yield read
        node.stdin.close()


def read_by_systemd(text, path):
    """What systemd's own library makes of a file: the reader behind `EnvironmentFile=`."""
    (library,) = Path("/usr/lib").glob("*/systemd/libsystemd-shared-*.so")
    found = ctypes.POINTER(ctypes.c_char_p)()
    path.write_bytes(text.encode())
    assert ctypes.CDLL(str(library)).load_env_file(None, os.fsencode(path), ctypes.byref(found)) == 0
    assignments, at = [], 0
    while found and found[at] is not None:
        assignments.append(found[at].decode().partition("="))
        at += 1
    return {key: value for key, _, value in assignments}


def writable(values, write=to_dotenv):
    """Those that a format can hold."""
    kept = {}
    for key, value in values.items():
        try:
            write({key: value})
        except UnwritableValue:
            continue
        kept[key] = value
    return kept


@given(values=VALUES)
def test_sh_reads_back_what_is_written_as_shell(values, tmp_path_factory):
    assert read_by_sh(to_shell(values), tmp_path_factory.getbasetemp() / "file") == values


@given(values=VALUES)
def test_every_reader_takes_back_what_is_written_as_dotenv(values, tmp_path_factory, read_by_node):
    kept = writable(values)
    text = to_dotenv(kept)
    assert read_by_sh(text, tmp_path_factory.getbasetemp() / "file") == kept
    assert dotenv_values(stream=io.StringIO(text)) == kept
    assert read_by_node(text) == kept


@given(values=st.dictionaries(KEYS, st.text(max_size=20)))
def test_json_holds_everything(values):
    assert json.loads(to_json(values)) == values


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "'plain'"),
        ("", "''"),
        (" blanks ", "' blanks '"),
        ("a # b", "'a # b'"),
        ("$HOME", "'$HOME'"),
        ('say "x"', "'say \"x\"'"),
        ("`date`", "'`date`'"),
        ("two\nlines", "'two\nlines'"),
        ("http://h/?a=b&c=d", "'http://h/?a=b&c=d'"),
        ("it's", '"it\'s"'),
    ],
)
def test_dotenv_quotes_by_what_the_value_has(value, line):
    assert to_dotenv({"KEY": value}) == f"KEY={line}\n"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a\\b", "backslash"),
        ("${HOME}", "${"),
        ("a\rb", "carriage return"),
        ("it's $5", "'"),
        ('it\'s "x"', "'"),
        ("it's `x`", "'"),
        ("it's\ntwo", "'"),
        ("a\0b", "NUL"),
        ("a\udc80b", "no text"),
    ],
)
def test_dotenv_refuses_what_readers_would_take_differently(value, reason):
    with pytest.raises(UnwritableValue) as refused:
        to_dotenv({"GOOD": "1", "BAD": value})
    assert str(refused.value).startswith("cannot write BAD as dotenv")
    assert reason in refused.value.found
    assert value not in str(refused.value)
    assert refused.value.details == {"key": "BAD"}


@pytest.mark.parametrize("value", ["a\0b", "a\udc80b"])
def test_shell_refuses_what_is_no_text(value):
    with pytest.raises(UnwritableValue, match="cannot write BAD as shell"):
        to_shell({"BAD": value})


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shell_lines_unset_what_must_not_survive(shell, tmp_path):
    file = tmp_path / "file"
    file.write_text(to_shell({"KEY": "1", "AWS_ENDPOINT_URL": "ours"}, ("PGSERVICE", "AWS_ENDPOINT_URL*", "NONE_*")))
    inherited = {"PGSERVICE": "x", "AWS_ENDPOINT_URL": "x", "AWS_ENDPOINT_URL_S3": "x\ny", "PGSERVICEFILE": "kept"}
    done = subprocess.run(
        [shell, "-e", "-c", '. "$1"; exec env', shell, str(file)],
        check=True, capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"], **inherited},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert {"KEY=1", "AWS_ENDPOINT_URL=ours", "PGSERVICEFILE=kept"} <= set(lines)
    assert not [line for line in lines if line.startswith(("PGSERVICE=", "AWS_ENDPOINT_URL_S3="))]


@given(values=VALUES)
def test_docker_takes_back_what_is_written(values):
    kept = {key: value for key, value in values.items() if not set("\n\r").intersection(value)}
    read = [line.partition("=") for line in to_docker(kept).split("\n") if line]
    assert {key: value for key, _, value in read} == kept


@pytest.mark.parametrize("value", ["two\nlines", "a\rb", "x" * 70_000, "a\0b", "a\udc80b"])
def test_docker_refuses_what_a_line_cannot_hold(value):
    with pytest.raises(UnwritableValue, match="cannot write BAD as docker"):
        to_docker({"BAD": value})


def test_shell_lines_export():
    assert to_shell({"KEY": "it's"}) == "export KEY='it'\\''s'\n"


@given(values=VALUES)
def test_systemd_reads_back_what_is_written(values, tmp_path_factory):
    kept = writable(values, to_systemd)
    assert read_by_systemd(to_systemd(kept), tmp_path_factory.getbasetemp() / "unit.env") == kept


@pytest.mark.parametrize("value", ["a\0b", "a\udc80b", "bell\a", "a\rb", "\ufffe", "\ufdd0", "\U0001ffff"])
def test_systemd_refuses_what_it_would_leave_out(value):
    with pytest.raises(UnwritableValue, match="cannot write BAD as systemd"):
        to_systemd({"BAD": value})


def service(values, name="shop-valkey", alias=""):
    return ServiceContent(name, alias, "valkey", "small", values)


@given(values=st.dictionaries(KEYS, TEXTS | AWKWARD, min_size=1, max_size=4), own=VALUES)
def test_cfenv_finds_services_and_what_is_set_by_hand(values, own, monkeypatch_module):
    text = to_vcap("shop", own, (service(values), service({}, "blog-valkey", "cache")))
    monkeypatch_module.setenv("VCAP_SERVICES", text)
    found = AppEnv()
    assert found.get_service(name="shop-valkey").credentials == values
    assert found.get_service(name="cache").env["instance_name"] == "blog-valkey"
    assert {each.env["plan"] for each in found.services if each.env["label"] == "valkey"} == {"small"}
    manual = found.get_service(label="user-provided")
    assert (manual.credentials if manual else {}) == own


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_vcap_needs_services():
    with pytest.raises(InvalidInput, match="on the machine of the home"):
        to_vcap("shop", {}, None)


@given(values=st.dictionaries(KEYS | st.sampled_from(["NO", "Y", "ON", "NULL", "TRUE", "_1", "E1"]), TEXTS | AWKWARD))
def test_a_secret_is_read_back(values):
    secret = yaml.safe_load(to_k8s_secret("my-shop.v2", values))
    data = secret.pop("data")
    assert {key: base64.b64decode(text, validate=True).decode() for key, text in data.items()} == values
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "my-shop.v2", "labels": {"app.kubernetes.io/managed-by": "addonkit"}},
        "type": "Opaque",
    }


@pytest.mark.parametrize(
    ("app", "nearest"),
    [("Shop", "shop"), ("my_shop", "my-shop"), ("a-", "a"), ("a..b", "a.b"), ("a.-b", "a.b")],
)
def test_a_secret_is_called_as_kubernetes_allows(app, nearest):
    with pytest.raises(InvalidInput) as refused:
        to_k8s_secret(app, {})
    assert repr(nearest) in refused.value.advice
    assert yaml.safe_load(to_k8s_secret(nearest, {}))["data"] == {}


def test_a_secret_holds_no_more_than_kubernetes_takes():
    part = "x" * 131_072
    assert to_k8s_secret("shop", {f"V{number}": part for number in range(8)})
    with pytest.raises(InvalidInput, match="1,048,577 bytes and a Secret holds 1,048,576"):
        to_k8s_secret("shop", {f"V{number}": part for number in range(8)} | {"ONE": "x"})


@pytest.mark.parametrize("env_format", FORMATS)
def test_each_format_is_offered_and_holds_an_app_without_variables(env_format):
    assert isinstance(render(env_format, EnvironmentContent("shop")), str)
    (option,) = [each for each in env.params if each.name == "env_format"]
    assert isinstance(option.type, Choice)
    assert tuple(option.type.choices) == FORMATS
