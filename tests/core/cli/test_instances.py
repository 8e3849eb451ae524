"""create, attach, detach, promote, retry, list, show, destroy: what is asked of the kit, and what is said."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import attrs
import pytest

from addonkit.controller.pools import HealReport
from addonkit.errors import AlreadyExists, InstanceFailed, UnknownAddon, UnknownApp, UnknownVariant
from addonkit.models.instance import Phase
from addonkit.models.variable import Variable, VariableMove
from addonkit.models.views import AppView, InstanceView, Plan, PlannedStep

MOVES = (
    VariableMove("postgresql", "DATABASE_URL", "POSTGRESQL_DATABASE_URL", "DATABASE_URL is set by hand"),
    VariableMove("postgresql", "PGHOST", "POSTGRESQL_PGHOST", "DATABASE_URL is set by hand"),
)
PLAN = Plan(
    "shop-postgresql would be destroyed",
    (PlannedStep("s", "stop", "stop the server"), PlannedStep("t", "wipe", "wipe the disk", 1)),
    ("DATABASE_URL",), MOVES[:1], ("shop: DATABASE_URL",), ("all data of shop-postgresql",),
)  # fmt: skip
PLAN_TEXT = """\
shop-postgresql would be destroyed
  steps:
    stop the server
      wipe the disk
  variables that would appear:
    DATABASE_URL
  variables that would move:
    DATABASE_URL to POSTGRESQL_DATABASE_URL (DATABASE_URL is set by hand)
  variables that would vanish:
    shop: DATABASE_URL
  lost for good:
    all data of shop-postgresql
no changes made
"""


def test_create_asks_for_what_was_typed_and_tells_what_to_do_next(call, kit, samples):
    kit.answers["create"] = samples.binding
    outcome = call("create", "postgresql:small", "-a", "shop", "--as", "big", "--version", "18")
    assert kit.call("create") == (
        ("postgresql:small", "shop"),
        {"alias": "big", "version": "18", "socket": False, "options": {}, "wait": True},
    )
    assert outcome.status == 0
    assert outcome.out == (
        "shop-postgresql is active at 127.0.0.1:20001 (postgresql:small, version 18.6)\n"
        "new app shop receives DATABASE_URL, PGHOST\n"
        "connect: `addonkit shell shop-postgresql`\n"
    )
    assert call("-v", "create", "postgresql:small", "-a", "shop").out.endswith(
        "new app shop receives DATABASE_URL, PGHOST\n"
        "use: `addonkit run -a shop -- COMMAND`; connect: `addonkit shell shop-postgresql`\n"
    )


@pytest.mark.parametrize(
    ("keys", "has_shell", "told"),
    [
        (("A_URL", "B"), True, "shop receives A_URL, B; connect: `addonkit shell shop-postgresql`\n"),
        (("A_URL", "B", "C"), True, "shop receives A_URL and 2 more; connect: `addonkit shell shop-postgresql`\n"),
        (("A_URL", "B", "C"), False, "shop receives A_URL and 2 more; use: `addonkit run -a shop -- COMMAND`\n"),
        ((), False, "shop receives no variables; use: `addonkit run -a shop -- COMMAND`\n"),
    ],
)
def test_the_result_of_create_is_two_lines(call, kit, samples, keys, has_shell, told):
    variables = tuple(Variable(key, "x") for key in keys)
    association = attrs.evolve(samples.association, variables=variables, plain=variables)
    kit.answers["create"] = attrs.evolve(samples.binding, association=association, new_app=False, has_shell=has_shell)
    first, second = call("create", "postgresql:small", "-a", "shop").out.splitlines(keepends=True)
    assert len(first) <= 80
    assert second == told


def test_the_same_create_again_says_that_it_exists(call, kit, samples):
    kit.answers["create"] = attrs.evolve(samples.binding, new_app=False, existed=True)
    outcome = call("create", "postgresql:small", "-a", "shop")
    assert outcome.status == 0
    assert outcome.out.startswith(
        "shop-postgresql exists already at 127.0.0.1:20001 (postgresql:small, version 18.6)\n"
    )
    assert call("create", "postgresql:small", "-a", "shop", "--json").json["existed"] is True


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (UnknownAddon('unknown addon "redis"', "installed are postgresql and valkey", "x"), "did you mean valkey?"),
        (UnknownAddon('unknown addon "redis"', "installed is postgresql", "x"), "x"),
        (UnknownVariant('unknown variant "15" for addon "postgresql"', "it has small"), "given as `--version 15`"),
        (UnknownVariant('unknown variant "v15.2" for addon "postgresql"', "it has small"), "given as `--version 15.2`"),
        (UnknownVariant('unknown variant "huge" for addon "postgresql"', "it has small", "y"), "y"),
    ],
)
def test_a_name_of_another_tool_is_answered_with_ours(call, kit, error, advice):
    kit.answers["create"] = error
    outcome = call("create", "redis", "-a", "shop")
    assert outcome.status == 1
    assert outcome.err.endswith(f"{advice}\n")


def test_create_tells_what_moved_and_why(call, kit, samples):
    moved = tuple(v.renamed(f"POSTGRESQL_{v.key}") for v in samples.association.plain)
    association = attrs.evolve(samples.association, variables=moved, message="DATABASE_URL is set by hand")
    kit.answers["create"] = attrs.evolve(samples.binding, association=association, new_app=False)
    assert (
        "shop receives POSTGRESQL_DATABASE_URL, POSTGRESQL_PGHOST\n"
        "connect: `addonkit shell shop-postgresql`\n"
        "postgresql: DATABASE_URL is now POSTGRESQL_DATABASE_URL, PGHOST is now\n"
        "  POSTGRESQL_PGHOST (DATABASE_URL is set by hand)\n"
    ) in call("create", "postgresql", "-a", "shop").out


def test_create_without_waiting_tells_who_carries_it_out(call, kit, samples):
    pending = attrs.evolve(samples.instance, phase=Phase.PENDING)
    association = attrs.evolve(samples.association, phase=Phase.PENDING, variables=(), plain=())
    kit.answers["create"] = attrs.evolve(samples.binding, instance=pending, association=association, new_app=False)
    outcome = call("create", "postgresql", "-a", "shop", "--no-wait")
    assert kit.call("create")[1]["wait"] is False
    assert outcome.out.splitlines()[-1] == "next: `addonkit retry shop-postgresql` carries it out"


def test_create_answers_programs_without_secrets(call, kit, samples):
    kit.answers["create"] = samples.binding
    outcome = call("create", "postgresql", "-a", "shop", "--json")
    assert outcome.err == ""
    assert samples.password not in outcome.out
    assert outcome.json["instance"]["name"] == "shop-postgresql"
    assert outcome.json["variables"] == [
        {"key": "DATABASE_URL", "value": None, "sensitive": True},
        {"key": "PGHOST", "value": "127.0.0.1", "sensitive": False},
    ]
    assert outcome.json["new_app"] is True


def test_a_dry_run_of_create_only_plans(call, kit):
    kit.answers["plan_create"] = PLAN
    outcome = call("create", "postgresql", "-a", "shop", "--as", "big", "--version", "18", "--dry-run")
    assert [name for name, _args, _kwargs in kit.calls] == ["plan_create"]
    asked = {"alias": "big", "version": "18", "socket": False, "options": {}}
    assert kit.call("plan_create") == (("postgresql", "shop"), asked)
    assert kit.opened[0]["heal"] is False
    assert outcome.out == PLAN_TEXT


def test_a_plan_for_programs(call, kit):
    kit.answers["plan_create"] = PLAN
    document = call("create", "postgresql", "-a", "shop", "--dry-run", "--json").json
    assert document["steps"][1] == {"saga": "t", "name": "wipe", "title": "wipe the disk", "depth": 1}
    assert document["lost"] == ["all data of shop-postgresql"]


def test_the_app_may_come_from_the_environment(call, kit, samples, monkeypatch):
    monkeypatch.setenv("ADDONKIT_APP", "blog")
    kit.answers["create"] = samples.binding
    assert call("create", "postgresql").status == 0
    assert kit.call("create")[0] == ("postgresql", "blog")


@pytest.mark.parametrize("argv", [("--home", "/h", "list"), ("list", "--home", "/h")])
def test_the_home_may_be_given_before_and_after_the_command(call, kit, argv):
    kit.answers["instances"] = ()
    assert call(*argv).status == 0
    assert kit.opened[0]["home"] == "/h"


def test_attach(call, kit, samples):
    kit.answers["attach"] = attrs.evolve(samples.binding, new_app=False)
    outcome = call("attach", "shop-postgresql", "-a", "reports", "--as", "main")
    assert kit.call("attach") == (("shop-postgresql", "reports"), {"alias": "main", "socket": False, "role": ""})
    assert "shop receives DATABASE_URL, PGHOST; connect: `addonkit shell shop-postgresql`" in outcome.out


def test_detach_tells_what_is_gone_and_what_stays(call, kit, samples):
    kit.answers |= {"show": samples.view, "detach": ("DATABASE_URL", "PGHOST")}
    outcome = call("detach", "postgresql", "-a", "shop")
    assert kit.call("detach") == (("postgresql", "shop"), {})
    assert outcome.out.startswith(
        "shop-postgresql is detached from shop; it and its data stay\nshop no longer receives DATABASE_URL, PGHOST\n"
    )
    assert call("detach", "postgresql", "-a", "shop", "--json").json == {
        "instance": "shop-postgresql",
        "app": "shop",
        "gone": ["DATABASE_URL", "PGHOST"],
    }


def test_promote_tells_what_moved(call, kit):
    kit.answers["promote"] = MOVES[:1]
    outcome = call("promote", "big", "-a", "shop")
    assert outcome.out == ("postgresql: DATABASE_URL is now POSTGRESQL_DATABASE_URL (DATABASE_URL is set by hand)\n")
    document = call("promote", "big", "-a", "shop", "--json").json
    assert document["moves"][0]["new"] == "POSTGRESQL_DATABASE_URL"


def test_promote_tells_when_nothing_moved(call, kit):
    kit.answers["promote"] = ()
    assert call("promote", "big", "-a", "shop").out.startswith("nothing moved")


def test_retry_shows_the_instance(call, kit, samples):
    kit.answers["retry"] = samples.view
    first, *apps = call("retry", "postgresql", "-a", "shop").out.splitlines()
    assert first.startswith("shop-postgresql is active")
    assert apps == ["shop receives DATABASE_URL, PGHOST"]
    assert kit.call("retry") == (("postgresql", "shop"), {})
    assert "state:   active" in call("-v", "retry", "postgresql", "-a", "shop").out


def test_retry_of_a_destruction_tells_that_it_is_gone(call, kit, samples):
    gone = attrs.evolve(samples.instance, phase=Phase.DEPROVISIONING, message="gone")
    kit.answers["retry"] = InstanceView(gone)
    assert call("retry", "shop-postgresql").out == "shop-postgresql is gone\n"
    assert call("retry", "shop-postgresql", "--json").json["message"] == "gone"


def test_list_is_a_table(call, kit, samples):
    kit.answers["instances"] = (samples.view,)
    outcome = call("list", "-a", "shop")
    assert kit.call("instances") == (("shop",), {})
    assert kit.call("heal") == (("shop",), {"without": ()})
    assert outcome.err == ""
    assert outcome.out == (
        "NAME             ADDON             VERSION  APPS  STATE   SERVER\n"
        "shop-postgresql  postgresql:small  18.6     shop  active  running\n"
    )


def test_list_tells_why_something_does_not_work(call, kit, samples):
    failed = attrs.evolve(samples.instance, phase=Phase.ERROR, message="the disk is full\nat once")
    bad = attrs.evolve(samples.association, phase=Phase.ERROR, message="no role")
    kit.answers["instances"] = (
        InstanceView(failed, (bad,), addon_state="not installed", doing="running: make the disk"),
    )
    assert call("list").out.splitlines()[1:] == [
        "shop-postgresql  postgresql:small  18.6     shop  error  -",
        "shop-postgresql: the disk is full\\nat once",
        "shop-postgresql: addon not installed; run `pip install addonkit-postgresql`",
        "shop-postgresql: running: make the disk",
        "shop-postgresql in shop: no role",
    ]


def test_list_starts_nothing_when_told_so(call, kit, samples):
    kit.answers["instances"] = (samples.view,)
    assert call("list", "--no-start").status == 0
    assert "heal" not in [name for name, _args, _kwargs in kit.calls]


def test_list_names_what_it_started_and_what_does_not_run(call, kit, samples):
    kit.answers |= {"instances": (samples.view,), "heal": HealReport(("on-s1",), {"on-s2": "no room"})}
    assert call("list").err == (
        "on-s1 had crashed or was stopped by a reboot, started again; see `addonkit logs on-s1`\n"
        "warning: on-s2 does not run: no room\n"
    )


def test_a_list_that_is_narrowed_says_so(call, kit, samples, monkeypatch):
    kit.answers |= {"instances": (samples.view,), "count": 9}
    assert call("list", "-a", "shop").err == "1 of 9 instances (app shop)\n"
    monkeypatch.setenv("ADDONKIT_APP", "shop")
    assert call("list").err == "1 of 9 instances (app shop, from ADDONKIT_APP)\n"


def test_a_typo_in_an_app_is_never_an_empty_list(call, kit):
    kit.answers["check_app"] = UnknownApp("cannot find app 'shpo'", "there is no app 'shpo'", "did you mean 'shop'?")
    outcome = call("list", "-a", "shpo")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "error: cannot find app 'shpo': there is no app 'shpo'; did you mean 'shop'?\n"


@pytest.mark.parametrize(
    "argv", [("show", "\udcff"), ("list", "-a", "\udcff"), ("run", "-a", "\udcff", "ls"), ("saga", "show", "\udcff")]
)
def test_names_that_are_no_text_are_refused(call, kit, argv):
    outcome = call(*argv)
    assert outcome.status == 1
    assert outcome.err.startswith("error: cannot find ")
    assert outcome.err.endswith("a name is UTF-8 text\n")
    assert kit.opened == []


def test_apps_are_a_table(call, kit):
    kit.answers["apps"] = (AppView("blog"), AppView("shop", ("shop-postgresql", "shop-valkey"), 2))
    assert call("apps").out == (
        "APP   INSTANCES                     VARIABLES SET\n"
        "blog  -                             0\n"
        "shop  shop-postgresql, shop-valkey  2\n"
    )
    assert call("apps", "--json").json["apps"][1]["instances"] == ["shop-postgresql", "shop-valkey"]
    kit.answers["apps"] = ()
    assert call("apps").out.startswith("no apps yet")


def test_an_empty_list_tells_how_to_begin(call, kit):
    kit.answers["instances"] = ()
    assert call("list").out.startswith("no instances yet; run `addonkit create ADDON -a APP`")
    assert call("list", "--json").json == {"instances": []}


def test_the_names_of_variables_are_shown_in_lines_that_fit(call, kit, samples):
    (tie,) = samples.view.associations
    variables = tuple(attrs.evolve(tie.variables[0], key=f"A_LONG_NAME_{number}") for number in range(12))
    kit.answers["show"] = attrs.evolve(samples.view, associations=(attrs.evolve(tie, variables=variables),))
    shown = call("show", "shop-postgresql").out
    assert "A_LONG_NAME_11" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_show_has_everything_but_secrets(call, kit, samples):
    kit.answers["show"] = samples.view
    outcome = call("show", "shop-postgresql")
    assert outcome.out == (
        "name:    shop-postgresql\n"
        "addon:   postgresql:small\n"
        "version: 18.6\n"
        "state:   active\n"
        "server:  postgresql-s1 (running)\n"
        "address: 127.0.0.1:20001\n"
        "id:      i1\n"
        "attached to shop: DATABASE_URL, PGHOST\n"
    )
    document = call("show", "shop-postgresql", "--json")
    assert samples.password not in document.out
    assert document.json["server"] == {
        "id": "postgresql-s1", "shared": False, "state": "running", "newer": "", "strangers": [], "host": "127.0.0.1", "port": 20001, "tenants": 1,
    }  # fmt: skip
    assert document.json["apps"][0]["variables"] == ["DATABASE_URL", "PGHOST"]


@pytest.fixture
def doomed(kit, samples):
    kit.answers |= {"show": samples.view, "plan_destroy": PLAN, "destroy": None}
    return kit


def test_destroy_is_not_done_where_nobody_can_be_asked(call, doomed):
    outcome = call("destroy", "postgresql", "-a", "shop")
    assert outcome.status == 1
    assert outcome.err == (
        "error: cannot destroy shop-postgresql: it has to be confirmed and there is no terminal to ask on; add --yes\n"
    )
    assert "destroy" not in [name for name, _args, _kwargs in doomed.calls]


def test_destroy_is_not_done_for_a_program_that_did_not_say_yes(call, doomed):
    outcome = call("destroy", "postgresql", "-a", "shop", "--json")
    assert outcome.status == 1
    assert outcome.json["error"]["advice"] == "add --yes"


@pytest.mark.parametrize(("argv", "wait"), [((), True), (("--no-wait",), False)])
def test_destroy_with_yes(call, doomed, argv, wait):
    outcome = call("destroy", "postgresql", "-a", "shop", "--yes", *argv)
    assert doomed.call("destroy") == (("shop-postgresql",), {"now": False, "wait": wait})
    assert ("gone" in outcome.out) is wait
    assert ("addonkit retry shop-postgresql" in outcome.out) is not wait


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("answer", "done"), [("shop-postgresql\n", True), ("y\n", False), ("\n", False)])
def test_destroy_asks_on_a_terminal(call, doomed, monkeypatch, answer, done):
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    outcome = call("destroy", "postgresql", "-a", "shop")
    assert "all data of shop-postgresql" in outcome.err
    assert "Type shop-postgresql to continue: " in outcome.err
    assert outcome.status == (0 if done else 1)
    assert ("no changes made" in outcome.err) is not done
    assert ("destroy" in [name for name, _args, _kwargs in doomed.calls]) is done


def test_a_question_that_is_not_answered_destroys_nothing(call, doomed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    outcome = call("destroy", "postgresql", "-a", "shop")
    assert outcome.status == 130
    assert outcome.err.endswith("interrupted: nothing was changed\n")
    assert "destroy" not in [name for name, _args, _kwargs in doomed.calls]


def test_destroy_spares_what_took_the_name_meanwhile(call, doomed, samples):
    other = attrs.evolve(samples.view, instance=attrs.evolve(samples.instance, id="i2"))
    views = iter((samples.view, other))
    doomed.answers["show"] = lambda *_args: next(views)
    outcome = call("destroy", "postgresql", "-a", "shop", "--yes")
    assert outcome.status == 1
    assert "another instance has this name by now" in outcome.err
    assert "destroy" not in [name for name, _args, _kwargs in doomed.calls]


@pytest.fixture
def crowded(doomed, samples):
    """An app with an instance of its own, one of another app, and a variable."""
    guest = attrs.evolve(samples.view, instance=attrs.evolve(samples.instance, name="blog-valkey", app="blog"))
    doomed.answers |= {
        "instances": (guest, samples.view), "environment": samples.environment, "detach": (), "unset_variables": (),
    }  # fmt: skip
    doomed.trash = SimpleNamespace(apps=type(doomed)({"keep": None}, doomed.calls))
    return doomed


def test_everything_of_an_app_is_destroyed(call, crowded):
    outcome = call("destroy", "--app", "shop", "--yes")
    assert outcome.out == "app shop is gone: 1 destroyed, 1 detached, 1 variables unset\n"
    assert crowded.call("keep") == (("shop",), {}), "what the app had is noted for undestroy"
    assert crowded.call("destroy") == (("shop-postgresql",), {"now": False})
    assert crowded.call("detach") == (("blog-valkey", "shop"), {})
    assert crowded.call("unset_variables") == (("shop", ("DEBUG",)), {})


def test_what_is_left_of_an_app_is_named(call, crowded):
    crowded.answers["destroy"] = InstanceFailed("destroying shop-postgresql", "it is stuck")
    outcome = call("destroy", "--app", "shop", "--yes")
    assert outcome.status == 1
    assert outcome.out == (
        "shop-postgresql: destroying shop-postgresql: it is stuck\n"
        "app shop is not gone; run `addonkit destroy --app shop` to continue\n"
    )
    assert "unset_variables" not in [name for name, _args, _kwargs in crowded.calls]


def test_a_dry_run_for_an_app_changes_nothing(call, crowded):
    assert call("destroy", "--app", "shop", "--dry-run").out == (
        "everything of app shop goes\n"
        "  lost for good: all data of shop-postgresql\n"
        "  detached: blog-valkey; it and its data stay\n"
        "  unset: DEBUG\n"
        "no changes made\n"
    )
    assert not {"destroy", "detach"}.intersection(name for name, _args, _kwargs in crowded.calls)


def test_the_environment_never_names_the_app_to_destroy(call, crowded, monkeypatch):
    monkeypatch.setenv("ADDONKIT_APP", "shop")
    outcome = call("destroy", "--yes")
    assert (outcome.status, "missing argument 'INSTANCE'" in outcome.err) == (2, True)
    assert crowded.calls == []


def test_a_dry_run_of_destroy_only_plans(call, doomed):
    outcome = call("destroy", "postgresql", "-a", "shop", "--dry-run")
    assert outcome.out == PLAN_TEXT
    assert "destroy" not in [name for name, _args, _kwargs in doomed.calls]


def test_an_error_of_the_kit_passes_through(call, kit):
    kit.answers["create"] = AlreadyExists("cannot create postgresql", "the app already has it", "use --as NAME")
    outcome = call("create", "postgresql", "-a", "shop")
    assert (outcome.status, outcome.err) == (
        1,
        "error: cannot create postgresql: the app already has it; use --as NAME\n",
    )
