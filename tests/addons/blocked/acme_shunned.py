"""Blocked by configuration; never imported."""

raise AssertionError("imported")
