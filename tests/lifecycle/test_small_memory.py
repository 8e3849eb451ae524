"""PostgreSQL works where /dev/shm has next to no room, as in some containers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from addonkit.compute.process.templates import SETTING as TEMPLATES
from addonkit.testing.command import CommandLine
from addonkit.testing.home import kill_servers

CONTAINER = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"', "sh")
QUERY = """
    CREATE TABLE t AS SELECT md5(g::text) AS m FROM generate_series(1, 20000) g;
    SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
    SET debug_parallel_query = on; SET work_mem = '64MB';
    SELECT count(*) FROM t a JOIN t b USING (m);
"""


@pytest.fixture
def far_home() -> Iterator[Path]:
    """A home that is not on /dev/shm, as homes of other tests are."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        home = Path(directory)
        home.chmod(0o711)
        yield home
        kill_servers(home)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make namespaces")
def test_parallel_queries_work_where_shared_memory_is_small(far_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TEMPLATES, raising=False)  # they are on the /dev/shm that the command does not see
    plain = CommandLine(far_home)
    command = CommandLine(far_home, program=(*CONTAINER, *plain.program))

    created = command("create", "postgresql:small", "-a", "shop")
    assert created.status == 0, created.err
    counted = command("run", "-a", "shop", "--", "psql", "-XAtqc", QUERY)
    assert counted.out == "20000\n", counted.err
    assert command("destroy", "shop-postgresql", "--yes").status == 0
