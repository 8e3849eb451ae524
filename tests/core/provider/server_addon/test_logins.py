"""Names of logins: they tell apps apart, fit the server, and are none of its own."""

from __future__ import annotations

from collections.abc import Container

import pytest

from addonkit import Association
from addonkit.provider.server_addon.logins import LoginNames


class Kept:
    """Names that a server keeps for itself whatever their ending."""

    def __contains__(self, name: object) -> bool:
        return str(name).startswith("pg_")


def name_of(app: str, generation: int = 1, reserved: Container[str] = ()) -> str:
    tie = Association(id="abcdefghij", app=app, instance="i", addon="postgresql", generation=generation)
    return LoginNames(63, reserved).of(tie)


def test_a_name_says_which_app_and_which_generation() -> None:
    assert name_of("shop", 3) == "shop.abcdefghij.3"


def test_a_name_that_the_server_keeps_for_itself_is_changed() -> None:
    assert name_of("pg-tools", reserved=Kept()) == "apg_tools.abcdefghij.1"
    assert name_of("tools", reserved=Kept()) == "tools.abcdefghij.1"


@pytest.mark.parametrize("app", ["a" * 200, "pg_" + "b" * 200])
@pytest.mark.parametrize("generation", [1, 9999])
def test_a_name_fits_the_server(app: str, generation: int) -> None:
    assert len(name_of(app, generation, Kept())) <= 63
