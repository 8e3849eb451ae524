"""env: secrets hidden, files whole, values set by hand."""

from __future__ import annotations

import io
import json
import os
import stat
import sys

import attrs
import pytest

from addonkit.controller.pools import HealReport
from addonkit.errors import UnknownApp
from addonkit.models.variable import Variable, VariableMove
from addonkit.models.views import Environment, EnvironmentEntry
from addonkit.util.output_files import follow_own_links

MOVE = VariableMove("postgresql", "DATABASE_URL", "POSTGRESQL_DATABASE_URL", "DATABASE_URL is set by hand")


@pytest.fixture(autouse=True)
def app(kit, samples):
    kit.answers["environment"] = samples.environment


def test_secrets_are_hidden(call, samples):
    outcome = call("env", "-a", "shop")
    assert outcome.out == (
        "VARIABLE      VALUE      SOURCE\n"
        "DEBUG         1 or 2     manual\n"
        "DATABASE_URL  ***        shop-postgresql\n"
        "PGHOST        127.0.0.1  shop-postgresql\n"
    )
    hidden = call("env", "-a", "shop", "--json")
    assert samples.password not in hidden.out
    assert hidden.json["variables"][1] == {
        "key": "DATABASE_URL",
        "value": None,
        "sensitive": True,
        "source": "shop-postgresql",
    }


def test_secrets_are_shown_when_asked_for(call, samples):
    assert f"postgresql://{samples.password}" in call("env", "-a", "shop", "--reveal").out
    shown = call("env", "-a", "shop", "--reveal", "--json").json
    assert shown["variables"][1]["value"] == f"postgresql://{samples.password}"


@pytest.mark.parametrize("env_format", ["dotenv", "shell", "json"])
def test_a_file_never_has_stars_for_secrets(call, env_format):
    outcome = call("env", "-a", "shop", "--format", env_format)
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err == (
        f"error: cannot write the environment of shop as {env_format}: it holds secrets (DATABASE_URL);"
        " add --reveal to write them\n"
    )


def test_the_formats(call, samples):
    url = f"postgresql://{samples.password}"
    dotenv = f"DEBUG='1 or 2'\nDATABASE_URL='{url}'\nPGHOST='127.0.0.1'\n"
    assert call("env", "-a", "shop", "--format", "dotenv", "--reveal").out == dotenv
    shell = "".join(f"export {line}\n" for line in dotenv.splitlines())
    assert call("env", "-a", "shop", "--format", "shell", "--reveal").out == shell
    assert json.loads(call("env", "-a", "shop", "--format", "json", "--reveal").out) == {
        "DEBUG": "1 or 2",
        "DATABASE_URL": url,
        "PGHOST": "127.0.0.1",
    }


def test_an_environment_without_secrets_needs_no_reveal(call, kit):
    kit.answers["environment"] = Environment("shop", (EnvironmentEntry(Variable("A", "1"), "manual"),))
    assert call("env", "-a", "shop", "--format", "dotenv").out == "A='1'\n"


def test_a_value_that_the_format_cannot_hold_is_refused_by_name(call, kit):
    kit.answers["environment"] = Environment("shop", (EnvironmentEntry(Variable("A", "x\\y"), "manual"),))
    outcome = call("env", "-a", "shop", "--format", "dotenv")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("error: cannot write A as dotenv: it has a backslash")


def test_what_is_not_there_yet_is_told(call, kit, samples):
    kit.answers["environment"] = attrs.evolve(samples.environment, pending=("shop-valkey",))
    assert call("env", "-a", "shop").err == "not there yet: shop-valkey; run `addonkit retry shop-valkey` to continue\n"
    assert call("env", "-a", "shop", "--json").json["pending"] == ["shop-valkey"]
    refused = call("env", "-a", "shop", "--format", "dotenv", "--reveal")
    assert (refused.status, refused.out) == (1, "")
    assert "the variables of shop-valkey are not there yet; run `addonkit retry shop-valkey`" in refused.err


def test_what_failed_warns_and_the_rest_is_written(call, kit, samples):
    kit.answers["environment"] = attrs.evolve(samples.environment, failed={"shop-valkey": "no room"})
    for argv in ((), ("--format", "dotenv", "--reveal")):
        outcome = call("env", "-a", "shop", *argv)
        assert outcome.status == 0
        assert outcome.err.startswith("warning: shop-valkey failed, its variables are missing: no room; run `addonkit")
    assert call("env", "-a", "shop", "--json").json["failed"] == {"shop-valkey": "no room"}


def test_a_server_that_does_not_run_is_told(call, kit):
    kit.answers["heal"] = HealReport(failed={"on-s1": "no port"})
    outcome = call("env", "-a", "shop")
    assert outcome.status == 0
    assert outcome.err == "warning: on-s1 does not run: no port\n"
    assert call("env", "-a", "shop", "--no-start").err == ""


def test_one_value_is_printed_whole(call, kit, samples):
    assert call("env", "get", "-a", "shop", "DATABASE_URL").out == f"postgresql://{samples.password}\n"
    assert call("env", "-a", "shop", "get", "DEBUG", "--json").json == {
        "app": "shop", "key": "DEBUG", "value": "1 or 2", "sensitive": False,
    }  # fmt: skip
    outcome = call("env", "get", "-a", "shop", "DATABASE_URI")
    assert (outcome.status, outcome.out) == (1, "")
    assert "the app receives no variable of this name; did you mean 'DATABASE_URL'?" in outcome.err


def test_setting_a_variable_says_that_the_app_is_new(call, kit):
    kit.answers |= {"set_variables": (), "has_app": False}
    assert call("env", "set", "-a", "shpo", "A=1").out == "app shpo is new\nA is set\n"


def test_an_app_without_variables(call, kit):
    kit.answers["environment"] = Environment("shop")
    assert call("env", "-a", "shop").out == "app shop receives no variables\n"
    assert call("env", "-a", "shop", "--format", "dotenv").out == ""


def test_an_unknown_app(call, kit):
    kit.answers["environment"] = UnknownApp("cannot show the environment of shop", "there is no app 'shop'")
    assert call("env", "-a", "shop").status == 1


@pytest.fixture
def write(call, tmp_path):
    def write(name=".env"):
        return call("env", "-a", "shop", "--format", "dotenv", "--reveal", "-o", str(tmp_path / name))

    return write


def test_a_file_is_readable_by_its_owner_alone(write, tmp_path):
    path = tmp_path / ".env"
    path.write_text("old")
    path.chmod(0o644)
    outcome = write()
    assert outcome.out == f"3 variables of shop are in {path}\n"
    assert path.read_text().startswith("DEBUG='1 or 2'\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_link_is_followed(write, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write("link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text().startswith("DEBUG")


@pytest.mark.parametrize("where", ["link", "folder/link", "back/../link", "relative"])
def test_links_are_followed_as_the_system_does(where, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "real" / "link").symlink_to("../link")
    (tmp_path / "back").mkdir()
    (tmp_path / "relative").symlink_to("./folder/../real/link")
    assert follow_own_links(tmp_path / where) == (tmp_path / where).resolve() == tmp_path / "real" / "file"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of another user")
@pytest.mark.parametrize("where", ["link", "folder/.env"])
def test_a_link_of_another_user_is_refused(write, tmp_path, where):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / ".env").write_text("kept")
    (tmp_path / "link").symlink_to("real/.env")
    (tmp_path / "folder").symlink_to("real")
    for link in ("link", "folder"):
        os.chown(tmp_path / link, 65534, 65534, follow_symlinks=False)
    outcome = write(where)
    assert (outcome.status, "is a link of another user (uid 65534)" in outcome.err) == (1, True)
    assert (tmp_path / "real" / ".env").read_text() == "kept"


def test_links_in_a_circle_are_refused(write, tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "Too many levels of symbolic links" in write("a").err


def test_what_is_no_ordinary_file_is_not_replaced(write, tmp_path):
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    assert "it is not an ordinary file" in write("directory").err
    assert "it is not an ordinary file" in write("fifo").err
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


def test_a_file_that_cannot_be_written_leaves_nothing(write, tmp_path):
    outcome = write("none/.env")
    assert outcome.status == 1
    assert "No such file or directory" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "missing"),
    [(("--reveal",), "--format and --output"), (("--format", "json", "-o", "x"), "needs --reveal: secrets that come")],
)
def test_a_file_that_follows_says_what_it_needs(call, argv, missing):
    outcome = call("env", "-a", "shop", "--follow", *argv)
    assert (outcome.status, missing in outcome.err) == (2, True)


def test_set(call, kit):
    kit.answers["set_variables"] = (MOVE,)
    outcome = call("env", "set", "-a", "shop", "DATABASE_URL=x=y", "EMPTY=")
    assert kit.call("set_variables") == (("shop", {"DATABASE_URL": "x=y", "EMPTY": ""}), {"sensitive": False})
    assert outcome.out == (
        "DATABASE_URL is set\nEMPTY is set\n"
        "postgresql: DATABASE_URL is now POSTGRESQL_DATABASE_URL (DATABASE_URL is set by hand)\n"
    )


def test_unset(call, kit):
    kit.answers["unset_variables"] = ()
    outcome = call("env", "unset", "-a", "shop", "DEBUG", "--json")
    assert kit.call("unset_variables") == (("shop", ("DEBUG",)), {})
    assert outcome.json == {"app": "shop", "keys": ["DEBUG"], "moves": [], "new_app": False}


@pytest.mark.parametrize("argv", [("env", "-a", "shop", "set", "A=1"), ("env", "set", "A=1", "-a", "shop")])
def test_the_app_may_stand_before_and_after_set(call, kit, argv):
    kit.answers["set_variables"] = ()
    assert call(*argv).status == 0
    assert kit.call("set_variables")[0][0] == "shop"


def test_secrets_are_read_from_stdin_and_never_shown(call, kit, monkeypatch):
    kit.answers["set_variables"] = ()
    monkeypatch.setattr(sys, "stdin", io.StringIO("first secret\nsecond\n"))
    outcome = call("env", "set", "-a", "shop", "--secret", "API_KEY", "OTHER")
    values = {"API_KEY": "first secret", "OTHER": "second"}
    assert kit.call("set_variables") == (("shop", values), {"sensitive": True})
    assert outcome.out == "API_KEY is set\nOTHER is set\n"
    assert "secret" not in outcome.err


PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\u2028\n\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_value_of_several_lines_survives_whole(call, kit, monkeypatch, end):
    kit.answers["set_variables"] = ()
    monkeypatch.setattr(sys, "stdin", io.StringIO(PEM + end, newline=""))
    call("env", "set", "-a", "shop", "--secret", "PRIVATE_KEY", "DEBUG=1")
    assert kit.call("set_variables")[0] == ("shop", {"PRIVATE_KEY": PEM, "DEBUG": "1"})


@pytest.mark.parametrize(
    ("argv", "content", "words"),
    [
        (("A", "B"), b"1\n2\n3\n", "stdin has 3 lines for 2 values"),
        (("A", "B"), b"1\n", "stdin ends before the value of B"),
        (("A",), b"\xff\xfe", "cannot set A: stdin is not UTF-8 text"),
        (("A", "B"), b"1\n2\0", "cannot set B: its value has a NUL"),
        (("TOKEN",), b"x" * 200_000, "cannot set TOKEN: its value has 200000 bytes"),
    ],
)
def test_what_cannot_survive_whole_is_refused_before_anything_is_stored(call, kit, monkeypatch, argv, content, words):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    outcome = call("env", "set", "-a", "shop", "--secret", *argv)
    assert outcome.status in {1, 2}
    assert words in outcome.err
    assert kit.calls == []


@pytest.mark.parametrize("key", ["http_proxy", "ConnectionStrings__Default", "npm_config_registry"])
def test_people_may_set_any_posix_name(call, kit, key):
    kit.answers["set_variables"] = ()
    assert call("env", "set", "-a", "shop", f"{key}=x").status == 0
    assert kit.call("set_variables")[0] == ("shop", {key: "x"})


def test_secrets_that_do_not_come_are_missed(call, kit, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    outcome = call("env", "set", "-a", "shop", "--secret", "API_KEY")
    assert outcome.status == 2
    assert "stdin ends before the value of API_KEY" in outcome.err
    assert kit.calls == []


def test_a_wrong_name_is_told_before_its_value_is_asked_for(call, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    outcome = call("env", "set", "-a", "shop", "--secret", "api-key")
    assert (outcome.status, outcome.err.startswith("error: cannot use 'api-key' as the name of a variable")) == (
        1,
        True,
    )
