"""Runs sagas durably: journal, steps, compensation, recovery."""
