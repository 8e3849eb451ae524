"""The reference page is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from addonkit.cli.group import cli
from addonkit.cli.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def every_command(group=cli, path=()):
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        yield " ".join((*path, name)), found
        if isinstance(found, click.Group):
            yield from every_command(found, (*path, name))


@pytest.mark.pinned
def test_the_page_is_up_to_date(monkeypatch):
    monkeypatch.delenv("ADDONKIT_APP", raising=False)
    assert PAGE.read_text() == reference(), "run python -m addonkit.cli.reference > docs/reference/cli.md"


def test_every_command_has_examples_and_the_shared_options():
    for name, command in every_command():
        assert command.examples, name
        assert all("addonkit " in example for example in command.examples), name
        names = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "-v", "--home"} <= names, name
        assert command.help, name


def test_every_option_says_what_it_does():
    for name, command in every_command():
        assert [p.name for p in command.params if isinstance(p, click.Option) and not p.help] == [], name
