"""Needs another core; never imported."""

raise AssertionError("imported")
