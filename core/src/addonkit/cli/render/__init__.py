"""Values to what is shown: text and tables for people, JSON for programs; pure functions."""
