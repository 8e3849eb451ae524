"""The clients of the table in docs/how-to/use-postgresql.md, with what `addonkit run` gives and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine, Ended
from addonkit.testing.home import temporary_home

OF_THE_SHELL = {
    "PGHOSTADDR": "127.0.0.9",
    "PGSSLMODE": "require",
    "PGSERVICE": "production",
    "PGOPTIONS": "-c search_path=x",
}
"""What a shell may hold; none of it reaches the clients."""

PACKAGES = ("psycopg[binary]", "psycopg2-binary", "SQLAlchemy", "alembic", "Django", "dj-database-url", "pg8000")


@pytest.fixture(scope="module")
def shop() -> Iterator[Callable[..., Ended]]:
    """Runs a program for an app that has a server of its own."""
    with temporary_home() as home:
        addonkit = CommandLine(home, OF_THE_SHELL)
        assert addonkit("create", "postgresql:small", "-a", "shop").status == 0

        def shop(*argv: str | Path, **environ: str) -> Ended:
            return addonkit("run", "-a", "shop", "--", *map(str, argv), **environ)

        yield shop


def needs(command: list[str], where: Path) -> None:
    """Run what fetches packages by an ordinary client; without a registry the test is skipped, in CI it fails."""
    ended = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=300)
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{command[0]} cannot fetch packages: {last}")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the clients that people use, apart from that of the tests."""
    folder = tmp_path_factory.mktemp("clients")
    uv = [sys.executable, "-m", "uv"]
    needs([*uv, "venv", "-q", "--python", sys.executable, str(folder / "venv")], folder)
    found = folder / "venv/bin/python"
    needs([*uv, "pip", "install", "-q", "--python", str(found), *PACKAGES], folder)
    return found


def said(ended: Ended) -> str:
    assert ended.status == 0, ended.err
    return ended.out.strip()


def test_psql_and_createdb(shop: Callable[..., Ended], of_machine: Callable[[str], str]) -> None:
    of_machine("psql")
    assert said(shop("psql", "-XAtc", "SELECT current_database() || current_user")) == "shopshop"
    said(shop("createdb", "other"))
    assert said(shop("psql", "-XAtc", "SELECT 1", "-d", "other")) == "1"
    said(shop("dropdb", "other"))


@pytest.mark.parametrize("how", ['os.environ["DATABASE_URL"]', ""])
def test_asyncpg(shop: Callable[..., Ended], how: str) -> None:
    program = f"import asyncio, os, asyncpg\nasync def main():\n    c = await asyncpg.connect({how})\n"
    program += "    print(await c.fetchval('SELECT current_user'))\n    await c.close()\nasyncio.run(main())"
    assert said(shop(sys.executable, "-c", program)) == "shop"


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("how", ['os.environ["DATABASE_URL"]', '""'])
def test_psycopg(shop: Callable[..., Ended], python: Path, driver: str, how: str) -> None:
    program = f"import os, {driver}\nc = {driver}.connect({how}).cursor()\nc.execute('SELECT current_user')\nprint(c.fetchone()[0])"
    assert said(shop(python, "-c", program)) == "shop"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+pg8000"])
def test_sqlalchemy(shop: Callable[..., Ended], python: Path, scheme: str) -> None:
    program = f"""
import os, sqlalchemy
url = os.environ["DATABASE_URL"].replace("postgresql:", "{scheme}:", 1)
with sqlalchemy.create_engine(url).connect() as connection:
    print(connection.scalar(sqlalchemy.text("SELECT current_user")))
"""
    assert said(shop(python, "-c", program)) == "shop"


@pytest.mark.slow
def test_alembic(shop: Callable[..., Ended], python: Path, tmp_path: Path) -> None:
    alembic = python.with_name("alembic")
    subprocess.run([alembic, "init", "m"], cwd=tmp_path, check=True, capture_output=True)
    script = tmp_path / "m/env.py"
    url = 'config = context.config\nimport os\nconfig.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])\n'
    script.write_text(script.read_text().replace("config = context.config\n", url, 1))
    configuration = ("-c", str(tmp_path / "alembic.ini"))
    said(shop(alembic, *configuration, "revision", "-m", "one"))
    said(shop(alembic, *configuration, "upgrade", "head"))
    assert "(head)" in said(shop(alembic, *configuration, "current"))


@pytest.mark.slow
@pytest.mark.parametrize("further", [(), ("--keepdb",), ("--noinput", "--parallel", "2")])
def test_django_and_its_test_runner(
    shop: Callable[..., Ended], python: Path, tmp_path: Path, further: tuple[str, ...]
) -> None:
    (tmp_path / "visits").mkdir()
    (tmp_path / "visits/__init__.py").touch()
    (tmp_path / "settings.py").write_text(
        "import os, dj_database_url\n"
        'DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}\n'
        'INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "visits"]\n'
    )
    (tmp_path / "visits/tests.py").write_text(
        "from django.contrib.auth.models import User\nfrom django.test import TestCase\n"
        "class Visits(TestCase):\n    def test_a_visitor_is_kept(self):\n"
        '        User.objects.create_user("ada")\n        assert User.objects.count() == 1\n'
        "class More(Visits):\n    pass\n"
    )
    django = (python, "-m", "django")
    where = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)}
    said(shop(*django, "migrate", "-v0", **where))
    ended = shop(*django, "test", "visits", *further, **where)
    assert ended.status == 0, ended.err
    assert "Ran 2 tests" in ended.err
    assert "RuntimeWarning" not in ended.err


@pytest.mark.slow
def test_node_postgres(shop: Callable[..., Ended], of_machine: Callable[[str], str], tmp_path: Path) -> None:
    of_machine("npm")
    needs(["npm", "install", "--silent", "--no-audit", "--no-fund", "pg"], tmp_path)
    (tmp_path / "ask.js").write_text("""
const { Client } = require("pg");
(async () => {
  for (const options of [{ connectionString: process.env.DATABASE_URL }, {}]) {
    const client = new Client(options);
    await client.connect();
    console.log((await client.query("SELECT current_user AS who")).rows[0].who);
    await client.end();
  }
})();
""")
    assert said(shop("node", tmp_path / "ask.js")) == "shop\nshop"


@pytest.mark.slow
def test_what_prisma_does_for_its_shadow_database(shop: Callable[..., Ended]) -> None:
    """Its engines are downloads of their own; these are the statements that they send."""
    program = """
import asyncio, os, asyncpg
async def main():
    url = os.environ["DATABASE_URL"]
    main = await asyncpg.connect(url)
    await main.execute('CREATE DATABASE "prisma_migrate_shadow_db_1"')
    shadow = await asyncpg.connect(url.rpartition("/")[0] + "/prisma_migrate_shadow_db_1")
    await shadow.execute('CREATE TABLE "Visit" (id serial PRIMARY KEY, who text NOT NULL)')
    await shadow.close()
    await main.execute('DROP DATABASE IF EXISTS "prisma_migrate_shadow_db_1"')
    await main.close()
asyncio.run(main())
"""
    said(shop(sys.executable, "-c", program))


GO = """
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"

	"github.com/jackc/pgx/v4"
	_ "github.com/lib/pq"
)

func main() {
	for _, url := range []string{os.Getenv("DATABASE_URL"), ""} {
		var who string
		db, err := sql.Open("postgres", url)
		if err == nil {
			err = db.QueryRow("SELECT current_user").Scan(&who)
		}
		fmt.Println("pq", who, err)
		connection, err := pgx.Connect(context.Background(), url)
		if err == nil {
			err = connection.QueryRow(context.Background(), "SELECT current_user").Scan(&who)
		}
		fmt.Println("pgx", who, err)
	}
}
"""


@pytest.mark.slow
def test_go_with_lib_pq_and_pgx(shop: Callable[..., Ended], tmp_path: Path) -> None:
    libraries = Path("/usr/share/gocode/src/github.com")
    if shutil.which("go") is None or not (libraries / "lib/pq").exists() or not (libraries / "jackc/pgx/v4").exists():
        reason = "apt-get install golang-go golang-github-lib-pq-dev golang-github-jackc-pgx-v4-dev"
        pytest.skip(f"Go or its libraries are not installed; get them with: {reason}")
    (tmp_path / "main.go").write_text(GO)
    go = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(tmp_path / "cache")}
    subprocess.run(["go", "build", "-o", "ask", "main.go"], cwd=tmp_path, env={**os.environ, **go}, check=True)
    assert said(shop(tmp_path / "ask")) == "pq shop <nil>\npgx shop <nil>\npq shop <nil>\npgx shop <nil>"


JAVA = """
import java.sql.*;

public class Ask {
  public static void main(String[] words) throws Exception {
    String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
    ask(DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD")));
    java.net.URI uri = new java.net.URI(System.getenv("DATABASE_URL"));  // as Heroku's converters do
    String[] who = uri.getUserInfo().split(":", 2);
    ask(DriverManager.getConnection("jdbc:postgresql://" + uri.getHost() + ":" + uri.getPort() + uri.getPath(), who[0], who[1]));
  }

  static void ask(Connection connection) throws Exception {
    ResultSet found = connection.createStatement().executeQuery("SELECT current_user");
    found.next();
    System.out.println(found.getString(1));
  }
}
"""


@pytest.mark.slow
def test_jdbc(shop: Callable[..., Ended], tmp_path: Path) -> None:
    driver = Path("/usr/share/java/postgresql.jar")
    if shutil.which("java") is None or not driver.exists():
        pytest.skip("JDBC is not installed; get it with: apt-get install default-jdk-headless libpostgresql-jdbc-java")
    (tmp_path / "Ask.java").write_text(JAVA)
    assert said(shop("java", "-cp", driver, tmp_path / "Ask.java")) == "shop\nshop"


RAILS = """
require "uri"
uri = URI.parse(ENV.fetch("DATABASE_URL"))
decoded = ->(text) { URI.decode_www_form_component(text.gsub("+", "%2B")) }
abort "scheme #{uri.scheme}" unless %w[postgres postgresql].include?(uri.scheme)
puts [uri.host, uri.port.to_s, decoded.(uri.user), decoded.(uri.password), uri.path.delete_prefix("/")] ==
  %w[PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE].map { |name| ENV.fetch(name) }
"""


@pytest.mark.slow
def test_a_url_as_rails_reads_it(shop: Callable[..., Ended], of_machine: Callable[[str], str]) -> None:
    assert said(shop(of_machine("ruby"), "-e", RAILS)) == "true"
