"""Kills the real command at every point of every saga, and at random times, and says what came of it."""
