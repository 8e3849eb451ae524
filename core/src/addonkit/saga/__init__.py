"""Durable sequences of steps with compensations: defined, run, journaled, recovered."""
