"""Branches on real servers: a shell on one git branch never sees the data of another one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import addonkit
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind
from addonkit.util.git_branch import Checkout, branch_app, find_checkout


def git(directory: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(directory), *who, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository on branch main."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    git(directory, "init", "-q", "-b", "main")
    git(directory, "commit", "-q", "--allow-empty", "-m", "first")
    return directory


def test_a_checkout_is_found_from_below_in_worktrees_and_while_rebasing(checkout: Path, tmp_path: Path) -> None:
    below = checkout / "a/b"
    below.mkdir(parents=True)
    shared = str(checkout.resolve() / ".git")
    assert find_checkout(str(below), {}) == Checkout(shared, "main")
    assert find_checkout(str(below), {"ADDONKIT_BRANCH": "other"}) == Checkout(shared, "other")
    git(checkout, "worktree", "add", "-q", "-b", "feature/x", str(tmp_path / "tree"))
    assert find_checkout(str(tmp_path / "tree"), {}) == Checkout(shared, "feature/x")
    git(checkout, "checkout", "-q", "--detach")
    assert find_checkout(str(checkout), {}) == Checkout(shared, "")
    (checkout / ".git/rebase-merge").mkdir()
    (checkout / ".git/rebase-merge/head-name").write_text("refs/heads/main\n")
    assert find_checkout(str(checkout), {}) == Checkout(shared, "main")
    assert find_checkout("/proc", {}) is None
    assert branch_app("shop", "feature") == "shop--feature"
    names = {
        branch_app("shop", each) for each in ("feature/x", "feature-x", "feature_x", "Feature/x", "ä", "ö", "x" * 300)
    }
    assert len(names) == 7


@pytest.fixture
def run(addonkit_command: CommandLine, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line in the checkout."""
    monkeypatch.chdir(checkout)
    return addonkit_command


def test_each_branch_has_data_of_its_own_under_the_same_variables(
    run: CommandLine, home: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def psql(sql: str, url: str = "$POSTGRESQL_DATABASE_URL") -> str:
        done = run("run", "-a", "shop", "--", "sh", "-c", f'psql "{url}" -Atc "{sql}"')
        assert done.status == 0, done.err
        return str(done.out.strip())

    for words in (("postgresql:shared",), ("postgresql:shared", "--as", "stock"), ("valkey:cache",)):
        assert run("create", *words, "-a", "shop").status == 0
    assert run("env", "set", "-a", "shop", "PGSSLMODE=disable").status == 0
    psql("CREATE TABLE orders AS SELECT 1 AS id")
    assert "the same data on every branch" in run("branch", "status", "-a", "shop").out
    assert "no app is bound" in run("branch", "status").out
    bound = run("branch", "bind", "-a", "shop")
    assert "branch main has its own data" in bound.out, bound.err
    own = run("env", "-a", "shop", "--json").data["variables"]
    assert psql("SELECT count(*) FROM orders") == "1"

    git(checkout, "switch", "-q", "-c", "feature/x")
    name = branch_app("shop", "feature/x")
    assert (
        "the next `addonkit run` copies shop-postgresql, shop-stock, shop-valkey"
        in run("branch", "status", "-a", "shop").out
    )
    first = run("run", "-a", "shop", "--", "sh", "-c", "echo $POSTGRESQL_PGDATABASE")
    assert "branch feature/x of shop gets copies of shop-postgresql, shop-stock, shop-valkey" in first.err
    assert psql("INSERT INTO orders VALUES (2) RETURNING id").split()[0] == "2"
    assert psql("SELECT count(*) FROM orders") == "2"
    copied = run("env", "-a", "shop", "--json").data["variables"]
    assert [each["key"] for each in copied] == [each["key"] for each in own], "the same variables in the same order"
    status = run("branch", "status", "-a", "shop", "--json").data
    assert (status["branch"], status["uses"], status["missing"]) == ("feature/x", name, [])
    assert run("branch", "status", "--json").data == {"apps": [status]}, "without an app: all that are bound here"
    assert psql("SELECT current_database()") == first.out.strip() != "shop"
    assert psql("SELECT current_database()", "$STOCK_DATABASE_URL") not in {"shop", first.out.strip()}

    git(checkout, "worktree", "add", "-q", str(tmp_path / "tree"), "main")
    with monkeypatch.context() as there:
        there.chdir(tmp_path / "tree")
        assert psql("SELECT count(*) FROM orders") == "1", "main's data are untouched"
        there.chdir("/")
        assert psql("SELECT count(*) FROM orders") == "1"
        assert "is not in the repository" in run("branch", "status", "-a", "shop").out
        assert "no app is bound" in run("branch", "status").out
        there.chdir(tmp_path / "tree")
        named = run("branch", "status", "-a", "shop", ADDONKIT_BRANCH="feature/x")
        assert f"branch feature/x of shop uses {name}-postgresql" in named.out
    git(checkout, "checkout", "-q", "--detach")
    lost = run("run", "-a", "shop", "--", "true")
    assert lost.status == 1
    assert "no branch is checked out" in lost.err
    git(checkout, "switch", "-q", "feature/x")

    assert run("branch", "reset", "feature/x", "-a", "shop", "--yes").status == 0
    assert psql("SELECT count(*) FROM orders") == "1"
    assert run("branch", "unbind", "-a", "shop", "--yes").status == 0
    assert psql("SELECT current_database()") == "shop"
    assert run("destroy", "--app", "shop", "--yes", "--now").status == 0
    assert left_behind(home) == ()


def test_copies_of_branches_that_are_gone_are_found_and_removed(run: CommandLine, home: Path, checkout: Path) -> None:
    assert run("create", "valkey:cache", "-a", "shop").status == 0
    assert run("branch", "bind", "-a", "shop").status == 0
    git(checkout, "switch", "-q", "-c", "feature/x")
    assert run("run", "-a", "shop", "--", "true").status == 0
    listed = run("branch", "list", "--json").data["branches"]
    assert [(each["branch"], each["in_git"], len(each["instances"])) for each in listed] == [("feature/x", True, 1)]

    git(checkout, "switch", "-q", "-c", "other")
    git(checkout, "branch", "-q", "-D", "feature/x")
    found = run("doctor")
    assert found.status == 1
    assert "git has no branch feature/x any more; run `addonkit branch prune -a shop`" in found.out
    assert "feature/x of shop are gone" in run("branch", "prune", "--yes").out
    assert run("branch", "list", "--json").data["branches"] == []
    assert run("rename", "--app", "shop", "store").status != 0
    assert run("destroy", "--app", "shop", "--yes", "--now").status == 0
    assert left_behind(home) == ()


def test_what_is_no_branch_is_refused(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no app 'nowhere'" in run("branch", "bind", "-a", "nowhere").err
    assert run("create", "valkey:cache", "-a", "shop").status == 0
    assert "branches with copies: none" in run("branch", "delete", "nothing", "-a", "shop", "--yes").err
    monkeypatch.chdir(os.sep)
    assert "is in none" in run("branch", "bind", "-a", "shop").err


async def test_a_copy_lets_no_neighbour_in(kit: addonkit.Kit) -> None:
    for app in ("shop", "blog"):
        await kit.create("postgresql:shared", app=app)
    await kit.moves.clone("shop-postgresql", "copy")
    blog, copy = [(await kit.environment(app)).values for app in ("blog", "copy")]

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await asyncpg.connect(blog["DATABASE_URL"], database=copy["PGDATABASE"], timeout=10)

    await (await asyncpg.connect(copy["DATABASE_URL"], timeout=10)).close()
