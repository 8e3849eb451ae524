"""Runs pools: the Backend protocol, and the process backend."""
