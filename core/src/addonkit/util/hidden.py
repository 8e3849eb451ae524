"""Stands for secrets wherever people look. Imports nothing, since every command that shows variables needs it."""

HIDDEN = "***"
