"""The fixtures `addon` and `session_addon`, in projects of app developers; see `project`."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

CLEAN = """
@pytest.mark.parametrize("number", range(6))
def test_sees_what_was_prepared_and_nothing_else(database, number):
    seen = asyncio.run(query(database.url, f"INSERT INTO visits VALUES ('{number}')", "SELECT count(*) FROM visits"))
    assert seen == 2
    assert os.environ["DATABASE_URL"] == database.url == database.environ["DATABASE_URL"]
    assert os.environ["PGDATABASE"] == database.environ["PGDATABASE"]
"""


@pytest.mark.parametrize(
    "options", [pytest.param((), id="one process"), pytest.param(("-n", "2"), id="two workers", marks=pytest.mark.slow)]
)
def test_each_test_sees_a_database_of_its_own(project, options):
    project.write(CLEAN)

    ended = project.run(*options)

    assert ended.status == 0, ended.output
    assert "6 passed" in ended.output
    assert len(set(project.noted("urls"))) == 6
    assert len({urlsplit(url).port for url in project.noted("urls")}) == 1, "one server for the session"
    assert len(project.noted("prepared")) == 1, "prepared once, by one of the workers"
    assert not project.home.exists(), "pytest itself ends it, when all is well"
    project.expect_nothing()


def test_variables_and_database_are_the_tests_alone(project):
    project.write("""
        import asyncpg

        had = []

        def test_has_them(database):
            assert os.environ["DATABASE_URL"] == database.url
            had.append(database.url)

        def test_has_not():
            assert os.environ["DATABASE_URL"] == "mine"
            assert "PGHOST" not in os.environ
            with pytest.raises(asyncpg.InvalidCatalogNameError):
                asyncio.run(query(had[0], "SELECT 1"))
    """)

    ended = project.run(DATABASE_URL="mine")

    assert ended.status == 0, ended.output
    project.expect_nothing()


@pytest.mark.slow
def test_async_tests_have_loops_of_their_own(project):
    project.write("""
        def with_a_loop(environ):
            asyncio.run(make_tables(environ))

        @pytest.mark.parametrize("prepare", [make_tables, with_a_loop])
        async def test_in_a_coroutine(addon, prepare):
            database = addon("postgresql", prepare=prepare)
            assert await query(database.url, "SELECT count(*) FROM visits") == 1

        async def test_by_a_fixture(database):
            assert await query(database.url, "SELECT count(*) FROM visits") == 1

        async def test_leaves_a_connection_open(database):
            import asyncpg
            pytest.left = await asyncpg.connect(database.url)
    """)

    ended = project.run("-o", "asyncio_mode=auto", "-W", "ignore:unclosed connection:ResourceWarning")

    assert ended.status == 0, ended.output
    assert len(project.noted("prepared")) == 2, "once by each of the functions"
    project.expect_nothing()


@pytest.mark.slow
def test_several_in_one_test_are_several(project):
    project.write("""
        def test_two(addon):
            one, two = addon("postgresql", prepare=make_tables), addon("postgresql:small")
            assert one.url != two.url
            assert os.environ["DATABASE_URL"] == two.url
            assert asyncio.run(query(two.url, "SELECT to_regclass('visits')")) is None

        @pytest.mark.parametrize("variant", ["small", "shared"])
        def test_of_both_variants(addon, variant):
            given = addon(f"postgresql:{variant}", prepare=make_tables)
            assert asyncio.run(query(given.url, "SELECT count(*) FROM visits")) == 1
    """)

    ended = project.run()

    assert ended.status == 0, ended.output
    project.expect_nothing()


@pytest.mark.slow
def test_a_session_keeps_its_own(project):
    project.write("""
        @pytest.fixture(scope="session")
        def kept(session_addon):
            return session_addon("postgresql", prepare=make_tables)

        @pytest.mark.parametrize("number", [1, 2])
        def test_adds(kept, number):
            assert os.environ["DATABASE_URL"] == kept.url
            add = "INSERT INTO visits VALUES ('again')"
            assert asyncio.run(query(kept.url, add, "SELECT count(*) FROM visits")) == number + 1

        def test_its_own_comes_first(kept, database):
            assert os.environ["DATABASE_URL"] == database.url != kept.url
    """)

    ended = project.run()

    assert ended.status == 0, ended.output
    project.expect_nothing()


@pytest.mark.slow
def test_what_depends_on_more_than_its_code_prepares_for_itself(project):
    project.write("""
        @pytest.mark.parametrize("word", ["one", "two"])
        def test_a_closure(addon, word):
            async def prepare(environ):
                await query(environ["DATABASE_URL"], "CREATE TABLE words (word text)", f"INSERT INTO words VALUES ('{word}')")

            for _ in range(2):
                database = addon("postgresql", prepare=prepare)
                assert asyncio.run(query(database.url, "SELECT string_agg(word, ',') FROM words")) == word
    """)

    ended = project.run()

    assert ended.status == 0, ended.output
    project.expect_nothing()


def test_secrets_are_not_shown(project):
    project.write("""
        def prepare(environ):
            note("prepared", environ["PGPASSWORD"])
            raise RuntimeError("no migration")

        def test_fails(database):
            note("secrets", database.environ["PGPASSWORD"])
            given, environ = [database], {"of": database.environ}
            assert database.environ == given

        def test_fails_to_prepare(addon):
            addon("postgresql", prepare=prepare)
    """)

    ended = project.run("--showlocals", "-vv", "--setup-show", "--full-trace")

    assert ended.status == 1, ended.output
    assert "no migration" in ended.output
    assert "<DATABASE_URL, PGHOST" in ended.output, "names are shown"
    secrets = {*project.noted("secrets"), *project.noted("prepared")[1:]}
    assert secrets
    assert not [secret for secret in secrets if secret in ended.output]
    project.expect_nothing()


@pytest.mark.slow
def test_what_cannot_be_prepared_is_tried_once(project):
    project.write("""
        def prepare(environ):
            note("tries", environ["PGDATABASE"])
            raise ValueError("no such migration")

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_never_runs(addon, number):
            addon("postgresql", prepare=prepare)
    """)

    ended = project.run("--tb=short")

    assert ended.status == 1
    assert "3 failed" in ended.output
    assert ended.output.count("ValueError: no such migration") >= 3
    assert len(project.noted("tries")) == 1
    project.expect_nothing()


def test_what_there_is_not_is_told_in_one_line(project):
    project.write("""
        @pytest.mark.parametrize("spec", ["postgres", "postgresql:huge"])
        def test_asks(addon, spec):
            addon(spec)
    """)

    ended = project.run("--tb=line")

    assert "did you mean postgresql?" in ended.output
    assert "it has small and shared" in ended.output
    project.expect_nothing()
