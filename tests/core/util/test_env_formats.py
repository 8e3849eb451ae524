"""What is written for other programs is read back unchanged, or refused by name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import UnwritableValue
from addonkit.util.env_formats import to_docker, to_dotenv, to_json, to_shell

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


def read_by_python_dotenv(text):
    """As python-dotenv reads: escapes in both kinds of quotes, `${NAME}` expanded everywhere."""
    single = r"'((?:\\'|[^'])*)'"
    double = r'"((?:\\"|[^"])*)"'
    found = {}
    for match in re.finditer(rf"^([A-Z0-9_]+)=(?:{single}|{double})$", text, re.MULTILINE):
        key, one, two = match.groups()
        value = re.sub(r"\\([\\'])", r"\1", one) if one is not None else re.sub(r"\\([\\'\"abfnrtv])", r"\1", two)
        found[key] = re.sub(r"\$\{[^}:]*(?::-[^}]*)?\}", "EXPANDED", value)
    return found


def read_by_node(text):
    """As npm dotenv and Node.js read: quotes taken off, `\\n` and `\\r` expanded in double quotes, CR LF made LF."""
    text = re.sub(r"\r\n?", "\n", text)
    pattern = re.compile(r"""^([\w.-]+)=('(?:\\'|[^'])*'|"(?:\\"|[^"])*")[^\S\n]*(?:#.*)?$""", re.MULTILINE)
    found = {}
    for key, quoted in pattern.findall(text):
        value = quoted[1:-1]
        found[key] = value.replace("\\n", "\n").replace("\\r", "\r") if quoted.startswith('"') else value
    return found


def writable(values):
    """Those that dotenv can hold."""
    kept = {}
    for key, value in values.items():
        try:
            to_dotenv({key: value})
        except UnwritableValue:
            continue
        kept[key] = value
    return kept


@given(values=VALUES)
def test_sh_reads_back_what_is_written_as_shell(values, tmp_path_factory):
    assert read_by_sh(to_shell(values), tmp_path_factory.getbasetemp() / "file") == values


@given(values=VALUES)
def test_every_reader_takes_back_what_is_written_as_dotenv(values, tmp_path_factory):
    kept = writable(values)
    text = to_dotenv(kept)
    assert read_by_sh(text, tmp_path_factory.getbasetemp() / "file") == kept
    assert read_by_python_dotenv(text) == kept
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
