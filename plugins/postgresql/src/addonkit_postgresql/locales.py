"""Chooses how texts of a database are ordered. Pure."""

from __future__ import annotations


def order_of(locale: str) -> tuple[str, ...]:
    """Return the end of CREATE DATABASE as a template, and its values.

    Args:
        locale: one of the machine's as `de_DE.UTF-8` or `C`, else one that ICU knows as `de-DE`; empty for the order of
            code points, which is that of the server.
    """
    if not locale:
        return ("",)
    if "_" in locale or locale == "C":
        return " LOCALE_PROVIDER libc LOCALE %L", locale
    return " LOCALE_PROVIDER icu ICU_LOCALE %L LOCALE 'C.UTF-8'", locale
