"""Valkey for addonkit: a dedicated server, or a keyspace of an app's own on a shared one."""

__version__ = "0.1.0"
