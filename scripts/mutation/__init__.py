"""Breaks addons by machine, one place at a time, and lets the conformance kit judge them: `make mutants`."""
