"""Looks for problems, one subject a file; the doctor puts the findings together. Changes nothing."""
