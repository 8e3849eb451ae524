"""Backups: written, listed, proved and brought back, for every addon that has the hooks."""
