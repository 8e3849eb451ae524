"""Nothing that comes from elsewhere moves the cursor or hides a line."""

from __future__ import annotations

from addonkit.cli import streams
from addonkit.errors import AddonBroken
from addonkit.registry.discovery import State
from addonkit.registry.entry_points import AddonReport

EVIL = "ev\x1b[32mil\x1b]0;TITLE\x07\x9b1m\u202e\nfolded"


def test_all_that_is_written_is_cleaned(capsys):
    streams.write(f"{EVIL}\nsecond")
    streams.echo_err(EVIL)
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == ["folded", "second"]
    assert err == out.removesuffix("second\n")
    assert not set("\x1b\x07\x9b\u202e").intersection(out + err)


def test_only_colours_reach_a_terminal(monkeypatch):
    monkeypatch.setattr(streams, "is_terminal", lambda _stream: True)
    shown = []
    monkeypatch.setattr("addonkit.cli.streams.click.echo", lambda text, file: shown.append(text))
    streams.write("\x1b[1;31mred\x1b[0m \x1b[8mhidden\x1b[2J \\x1b[31m")
    assert shown == ["\x1b[1;31mred\x1b[0m \\x1b[8mhidden\\x1b[2J \\x1b[31m"]


def test_names_of_distributions_are_cleaned(call, kit):
    report = AddonReport(EVIL, "addonkit.addons", EVIL, EVIL, State.BROKEN, EVIL, trace=EVIL)
    kit.registry = type("Registry", (), {"report": lambda _self: (report,)})()
    for argv in (("addons",), ("addons", "-v")):
        outcome = call(*argv)
        assert not set("\x1b\x07\x9b\u202e").intersection(outcome.out)
        assert len([line for line in outcome.out.splitlines() if line.startswith("folded")]) == 0


def test_traces_are_cleaned(call, kit):
    kit.answers["show"] = AddonBroken(EVIL, EVIL)
    outcome = call("show", "x", "-v")
    assert "Traceback" in outcome.err
    assert not set("\x1b\x07\x9b\u202e").intersection(outcome.err)
