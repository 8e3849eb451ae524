"""Frozen values without I/O. One file per noun."""
