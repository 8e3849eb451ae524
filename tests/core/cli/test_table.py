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


WORDS = st.text(st.sampled_from("abc"), min_size=1, max_size=14)
SENTENCES = st.lists(WORDS, min_size=1, max_size=9).map(" ".join)


@given(rows=st.lists(st.tuples(WORDS, SENTENCES, WORDS, SENTENCES, WORDS, SENTENCES), min_size=1, max_size=4))
def test_a_table_fits_the_terminal_and_loses_no_word(rows):
    shown = table(("NAME", "ONE", "TWO", "THREE", "FOUR", "FIVE"), rows)
    assert max(len(line) for line in shown.splitlines()) <= 80
    words = shown.replace(";", " ").split()
    for row in rows:
        for word in " ".join(row).split():
            assert word in words


def test_cells_are_wrapped_between_words():
    rows = [("small (default)", "A server of its own", "64 MB of data that are kept"), ("x", "y" * 40, "none")]
    assert table(("VARIANT", "DESCRIPTION", "MEMORY"), rows) == (
        "VARIANT          DESCRIPTION                               MEMORY\n"
        "small (default)  A server of its own                       64 MB of data that\n"
        "                                                           are kept\n"
        f"x                {'y' * 40}  none"
    )


def test_columns_without_a_place_stand_below_their_row():
    rows = [("postgresql.provision/abcdefghij/1", "postgresql.provision-dedicated", "completed", "no room at all", "-")]
    assert table(("EXECUTION", "SAGA", "STATUS", "LAST EVENT", "NOTE"), rows) == (
        "EXECUTION                          SAGA                            STATUS\n"
        "postgresql.provision/abcdefghij/1  postgresql.provision-dedicated  completed\n"
        "  LAST EVENT: no room at all"
    )


def test_a_word_is_never_cut():
    url = f"postgresql://shop:{'x' * 90}@127.0.0.1/shop"
    assert url in table(("VARIABLE", "VALUE", "SOURCE"), [("DATABASE_URL", url, "shop-postgresql")])


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
