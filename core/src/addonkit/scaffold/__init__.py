"""Writes the distribution of a new addon."""
