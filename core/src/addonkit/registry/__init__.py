"""Discovers, loads, and validates addons."""
