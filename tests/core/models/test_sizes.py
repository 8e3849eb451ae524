"""Storage sizes: read strictly in definitions, leniently where they were stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.errors import InvalidSize
from addonkit.models.sizes import parse_size, parse_storage_gb

LARGEST = 2**63 - 1

READ = [
    ("1Gi", 1),
    ("50Gi", 50),
    (" 5Gi ", 5),
    ("\t7Gi\n", 7),
    ("007Gi", 7),
    ("+5Gi", 5),
    ("9223372036854775807Gi", LARGEST),
    ("0" * 60 + "5Gi", 5),
]
NOT_READ = [
    "5 Gi", "0Gi", "-5Gi", "512Mi", "1Ti", "10", "1.5Gi", "5G", "5GiB", "1gi", "1GI", "", "bad", "Gi", "+Gi",
    "1_000Gi", "0x10Gi", "++5Gi", "9223372036854775808Gi", "9" * 5000 + "Gi", "٣Gi", "5Gi5Gi",
]  # fmt: skip


@pytest.mark.parametrize(("text", "gibibytes"), READ)
def test_a_size_is_read(text, gibibytes):
    assert parse_storage_gb(text) == parse_size(text) == gibibytes


@pytest.mark.parametrize("text", NOT_READ)
def test_what_is_no_size_counts_as_one_when_it_was_stored(text):
    assert parse_storage_gb(text) == 1


@pytest.mark.parametrize("text", NOT_READ)
def test_what_is_no_size_is_refused_in_a_definition(text):
    with pytest.raises(InvalidSize, match="like '10Gi'"):
        parse_size(text)


@given(st.one_of(st.text(), st.text(alphabet="0123456789Gi +-_")))
def test_any_text_gives_at_least_one(text):
    assert 1 <= parse_storage_gb(text) <= LARGEST


@given(st.integers(1, LARGEST))
def test_a_printed_size_is_read_back(number):
    assert parse_storage_gb(f"{number}Gi") == number
