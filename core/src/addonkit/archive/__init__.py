"""Backups as files that open without us: tar, zstd and age, streamed into and out of a repository."""
