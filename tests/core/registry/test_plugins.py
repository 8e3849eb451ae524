"""Policies stand around every addon; observers hear of everything; neither is in the way when it breaks."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import pytest

from addonkit.errors import AddonBroken, AlreadyExists, Conflict
from addonkit.hookspecs import hookimpl
from addonkit.models.app import App, Variant
from addonkit.models.execution import Event, EventKind
from addonkit.registry.discovery import PLUGINS, State
from addonkit.registry.registry import Registry

EVENT = Event("provision/x/1", "memo.provision", EventKind.DONE, "made the url", datetime(2030, 1, 1, tzinfo=UTC))
SMALL = Variant("small")


class Watcher:
    def __init__(self):
        self.seen = []

    @hookimpl
    def addon_event(self, event):
        self.seen.append(event)


class Greedy:
    @hookimpl
    def addon_event(self):
        raise SystemExit(4)


class Forbidding:
    @hookimpl(wrapper=True)
    def addon_deprovision(self, instance):
        raise Conflict("destroying", "it is kept")
        yield


def test_a_policy_stands_around_every_addon(installed, app, instance):
    registry = installed("good-memo", "good-vault", "policy")
    assert registry.get("memo").provision(app, SMALL, instance).step_names == ("make_url", "write_audit_record")
    assert registry.get("vault").provision(app, SMALL, instance).step_names == ("seal", "write_audit_record")
    assert registry.get("memo").deprovision(instance).step_names == ()


def test_a_policy_can_refuse_with_a_clear_line(installed, instance):
    registry = installed("good-memo", "policy")
    with pytest.raises(Conflict, match="cannot create an addon for evil: the policy forbids it"):
        registry.get("memo").provision(App("evil"), SMALL, instance)


def test_a_policy_that_is_registered_later_stands_around_loaded_addons_too(registry, fake, instance):
    addon = registry.get("test-addon")
    registry.register_plugin(Forbidding(), "forbidding")
    with pytest.raises(Conflict, match="it is kept"):
        addon.deprovision(instance)


def test_an_observer_hears_of_events(registry):
    watcher = Watcher()
    registry.register_plugin(watcher, "watcher")
    registry.emit(EVENT)
    assert watcher.seen == [EVENT]


def test_an_observer_that_raises_is_named_in_the_log_and_changes_nothing(installed, caplog):
    registry = installed("observers")
    registry.register_plugin(Greedy(), "greedy")
    caplog.set_level(logging.WARNING)
    registry.emit(EVENT)
    assert sys.modules["acme_quiet"].SEEN == ["made the url"]
    assert sorted(each.getMessage() for each in caplog.records) == [
        "observer greedy of the program itself failed on event done: SystemExit: 4",
        "observer nosy of acme-watch 0.9 failed on event done: RuntimeError: too much for me: done",
    ]


def test_plugins_are_imported_on_first_need(installed):
    registry = installed("observers", "good-memo")
    assert "acme_quiet" not in sys.modules
    registry.get("memo")
    assert "acme_quiet" in sys.modules


def test_a_broken_plugin_is_logged_and_reported_and_hides_nobody(installed, caplog, app, instance):
    caplog.set_level(logging.INFO, logger="addonkit")
    registry = installed("bad-plugins", "policy", "good-memo")
    assert registry.get("memo").provision(app, SMALL, instance).step_names == ("make_url", "write_audit_record")
    assert registry.get("memo").deprovision(instance).name == "memo.deprovision"
    reports = {each.name: each for each in registry.report() if each.group == PLUGINS}
    assert {name: each.state for name, each in reports.items()} == {
        "audit": State.OK,
        "gone": State.BROKEN,
        "meddler": State.BROKEN,
    }
    assert reports["audit"].hooks == ("addon_provision",)
    assert reports["meddler"].reason == "addon_deprovision answers for every addon; a policy wraps it"
    assert [each.getMessage()[:46] for each in caplog.records] == [
        "cannot use plugin gone of acme-meddler 0.1: im",
        "cannot use plugin meddler of acme-meddler 0.1:",
    ]


def test_an_observer_cannot_be_wrapped():
    class Wrapping:
        @hookimpl(wrapper=True)
        def addon_event(self):
            yield

    with pytest.raises(AddonBroken, match="addon_event cannot be wrapped"):
        Registry().register_plugin(Wrapping(), "wrapping")


def test_a_plugin_is_registered_once():
    registry = Registry()
    watcher = Watcher()
    registry.register_plugin(watcher, "watcher")
    with pytest.raises(AlreadyExists, match="cannot register plugin watcher"):
        registry.register_plugin(Watcher(), "watcher")
    with pytest.raises(AddonBroken, match="it is the same object as another plugin"):
        registry.register_plugin(watcher, "twin")
    registry.emit(EVENT)
    assert watcher.seen == [EVENT]
    assert [each.name for each in registry.report()] == ["watcher"]


def test_a_policy_that_spoils_a_definition_is_named(fake):
    class Spoiling:
        @hookimpl(wrapper=True)
        def addon_definition(self):
            yield
            raise ZeroDivisionError

    registry = Registry()
    registry.register_plugin(Spoiling(), "spoiling")
    with pytest.raises(
        AddonBroken, match="asking plugin spoiling of the program itself for addon_definition, it raised"
    ):
        registry.register(fake.answering(), "test-addon")
