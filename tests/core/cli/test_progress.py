"""Progress: a line a step, in order, whatever happens between."""

from __future__ import annotations

import io

import pytest

from addonkit.cli.progress import Progress
from addonkit.models.execution import EventKind as K


@pytest.fixture
def show(samples):
    """What is written for some events."""

    def show(*events, live=False):
        stream = io.StringIO()
        progress = Progress(stream, live=live)
        for each in events:
            progress.take(samples.event(*each[:1], **each[1]) if isinstance(each, tuple) else each)
        progress.close()
        return stream.getvalue()

    return show


def step(kind, name, number, message="", **more):
    return kind, {"step": name, "number": number, "message": message or name.replace("_", " "), **more}


def test_each_step_is_a_line_once_it_has_ended(show):
    text = show(
        step(K.STARTED, "a", 1, "make the disk"),
        step(K.DONE, "a", 1, "make the disk"),
        step(K.STARTED, "b", 2, "start it"),
    )
    assert text == "  1/2 make the disk ... done\n"


def test_on_a_terminal_the_line_is_there_while_the_step_runs(show):
    text = show(
        step(K.STARTED, "a", 1, "make the disk"),
        step(K.DONE, "a", 1, "make the disk"),
        step(K.STARTED, "b", 2, "start it"),
        live=True,
    )
    assert text == "  1/2 make the disk ... done\n  2/2 start it ...\n"


@pytest.mark.parametrize("live", [False, True])
def test_a_saga_that_follows_another_one_is_named(show, live):
    bind = {"execution": "bind/a/1", "total": 1}
    text = show(
        step(K.STARTED, "a", 1, "make the disk"),
        step(K.DONE, "a", 1, "make the disk"),
        (K.COMPLETED, {"message": "it is done"}),
        step(K.STARTED, "b", 1, "make the login", **bind),
        step(K.DONE, "b", 1, "make the login", **bind),
        live=live,
    )
    assert text == "  1/2 make the disk ... done\n  provision:\n  1/1 make the login ... done\n"


INNER = {"execution": "server/s", "total": 10}


@pytest.mark.parametrize(("live", "before"), [(False, "  1/2 the server ...\n"), (True, "  1/2 the server ...\n")])
def test_a_saga_that_a_step_starts_is_shown_further_in(show, live, before):
    text = show(
        step(K.STARTED, "server", 1, "the server"),
        step(K.STARTED, "disk", 1, "the disk", **INNER),
        step(K.DONE, "disk", 1, "the disk", **INNER),
        (K.COMPLETED, {**INNER, "message": "it is done"}),
        step(K.DONE, "server", 1, "the server"),
        live=live,
    )
    assert text == f"{before}     1/10 the disk ... done\n  1/2 the server ... done\n"


@pytest.mark.parametrize("live", [False, True])
def test_questions_that_are_asked_at_once_are_shown_side_by_side(show, live):
    one, other = ({"execution": f"once/inspect/{server}/x", "total": 1} for server in ("s1", "s2"))
    asked = [step(kind, "ask", 1, **each) for kind in (K.STARTED, K.DONE) for each in (one, other)]
    text = show(*asked, live=live)
    assert [line for line in text.splitlines() if line.endswith("done")] == ["  1/1 ask ... done"] * 2


def test_what_a_question_asks_for_is_shown_further_in(show):
    outer, inner = "once/clone/i/x", "once/clone/i/x/dump"
    text = show(
        step(K.STARTED, "copy", 1, execution=outer),
        step(K.STARTED, "dump", 1, execution=inner),
        step(K.DONE, "dump", 1, execution=inner),
    )
    assert "\n    1/2 dump ... done\n" in text


def test_lines_are_kept_back_until_the_work_takes_long(samples):
    stream = io.StringIO()
    progress = Progress(stream, live=False, patient=True)
    for kind, options in (step(K.STARTED, "a", 1), step(K.DONE, "a", 1)):
        progress.take(samples.event(kind, **options))
    assert stream.getvalue() == ""
    progress.reveal()
    kind, options = step(K.DONE, "b", 2)
    progress.take(samples.event(kind, **options))
    progress.close()
    assert stream.getvalue() == "  1/2 a ... done\n  2/2 b ... done\n"


def test_work_that_ends_soon_shows_no_step(samples):
    stream = io.StringIO()
    progress = Progress(stream, live=True, patient=True)
    progress.take(samples.event(K.STARTED, step="a"))
    progress.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("live", [False, True])
def test_a_failure_tells_why_and_what_is_undone(show, live):
    text = show(
        step(K.STARTED, "a", 1, "start the server"),
        step(K.RETRYING, "a", 1, "refused; again in 1 s"),
        step(K.FAILED, "a", 1, "start the server: no\nroom"),
        step(K.UNDONE, "a", 1, "undone: start the server"),
        (K.ROLLED_BACK, {"message": "postgresql.provision is undone"}),
        live=live,
    )
    first = "  1/2 start the server ...\n" if live else ""
    assert text == (
        f"{first}      refused; again in 1 s\n"
        "  1/2 start the server ... failed\n"
        "      start the server: no\n"
        "      room\n"
        "  1/2 start the server ... undone\n"
        "      postgresql.provision is undone\n"
    )


def test_a_step_that_was_begun_by_an_earlier_command_has_its_name(show):
    assert show(step(K.UNDONE, "create_disk", 1, "undone: make the disk")) == "  1/2 create disk ... undone\n"


def test_control_characters_never_reach_the_terminal(show):
    text = show(step(K.STARTED, "a", 1, "\x1b[2Jgone"), step(K.FAILED, "a", 1, "\x1b]0;x\x07"), live=True)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\\x1b[2Jgone" in text


def test_a_stream_that_is_gone_changes_nothing(samples):
    closed = io.StringIO()
    closed.close()
    progress = Progress(closed, live=True)
    progress.take(samples.event(K.STARTED, "a", "title"))
    progress.take(samples.event(K.DONE, "a", "title"))
    progress.close()


def test_a_reason_is_given_once_for_each_step(show):
    text = show(
        step(K.STARTED, "a", 1, "start it"),
        step(K.RETRYING, "a", 1, "start it: trying again in 1 s (no room)"),
        step(K.RETRYING, "a", 1, "start it: trying again in 2 s (no room)"),
        step(K.RETRYING, "a", 1, "start it: trying again in 4 s (no port)"),
        step(K.FAILED, "a", 1, "start it: failed (no port)"),
    )
    assert text == (
        "      start it: trying again in 1 s (no room)\n"
        "      start it: trying again in 2 s\n"
        "      start it: trying again in 4 s (no port)\n"
        "  1/2 start it ... failed\n"
    )


def test_advice_waits_for_the_failure(show):
    message = "start it: trying again in 2 s (it does not answer; run `curl -i URL`)"
    assert show(step(K.RETRYING, "a", 1, message)) == "      start it: trying again in 2 s (it does not answer)\n"
    assert show(step(K.FAILED, "a", 1, "no; run `df`")).endswith("      no; run `df`\n")


def test_a_question_without_an_answer_is_no_failure_of_the_command(show):
    question = {"execution": "once/usage/a/1", "total": 1}
    text = show(
        step(K.STARTED, "count", 1, "count the objects", **question),
        step(K.RETRYING, "count", 1, "count the objects: trying again in 1 s (no answer)", **question),
        step(K.FAILED, "count", 1, "count the objects: failed (no answer)", **question),
        (K.ROLLED_BACK, {"message": "s3-remote.measure: everything is undone", **question}),
    )
    assert text == "  1/1 count the objects ... failed\n"
