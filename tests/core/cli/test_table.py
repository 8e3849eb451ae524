"""Tables: plain and aligned for files, in colour on a terminal, never with control characters of values."""

from __future__ import annotations

import io
import sys

from hypothesis import given
from hypothesis import strategies as st

from addonkit.cli.render.table import block, table
from addonkit.cli.streams import clean


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_columns_are_aligned_and_lines_have_no_blanks_at_their_end():
    assert table(("NAME", "STATE"), [("a", "active"), ("longer", "")]) == "NAME    STATE\na       active\nlonger"


def test_a_table_without_rows_is_its_header():
    assert table(("NAME", "STATE"), []) == "NAME  STATE"


def test_a_terminal_gets_colours(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = table(("NAME", "STATE"), [("[red]a[/red]", "active")])
    assert "\x1b[32mactive" in shown
    assert "[red]a[/red]" in shown


def test_no_color_is_respected(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in table(("NAME", "STATE"), [("a", "active")])


def test_a_block_leaves_out_what_is_empty():
    assert block({"name": "a", "message": "", "address": "h:1"}) == "name:    a\naddress: h:1"


@given(text=st.text())
def test_cleaned_text_is_printable_and_printable_text_stays(text):
    assert clean(text).isprintable()
    if text.isprintable():
        assert clean(text) == text


@given(cells=st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), max_size=4))
def test_a_plain_table_has_one_line_a_row(cells):
    shown = table(("A", "B"), cells)
    assert len(shown.split("\n")) == len(cells) + 1
    assert shown.replace("\n", "").isprintable()
