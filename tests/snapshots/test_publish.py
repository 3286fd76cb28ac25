"""The read copy and copies of the warehouse."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from service.application import Application
from service.errors import WarehouseError
from service.snapshots import publish
from service.snapshots.publish import write_copy
from service.warehouse.definitions import Definitions
from tests.conftest import load_value, publish_report
from tests.shipped import SHIPPED_OBSERVATIONS

# Reads the copy until it has seen three different states, however slow the machine is.
READER = """
import sys, time, duckdb
deadline = time.monotonic() + float(sys.argv[2])
states = set()
while len(states) < 3:
    assert time.monotonic() < deadline, states
    with duckdb.connect(sys.argv[1], read_only=True) as copy:
        rows, batches = copy.execute(
            "select (select count(*) from observation_revisions), (select sum(new_observations + revisions) from batches)"
        ).fetchone()
        assert rows == batches, (rows, batches)
        assert copy.execute("select count(*) from kpi_latest").fetchone()[0] > 0
    states.add(rows)
"""


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path / "data", definitions) as opened:
        yield opened


def test_another_process_reads_complete_states_during_loads(application: Application, tmp_path: Path) -> None:
    copy = str(application.settings.read_copy_file)
    reader = subprocess.Popen([sys.executable, "-c", READER, copy, "120"], stderr=subprocess.PIPE, text=True)
    value = 0
    while reader.poll() is None:
        value += 1
        load_value(application, tmp_path, value)
        application.refresh()
    _, errors = reader.communicate()
    assert reader.returncode == 0, errors


def test_the_read_copy_is_complete_and_in_the_older_format(application: Application) -> None:
    with duckdb.connect(str(application.settings.read_copy_file), read_only=True) as copy:
        assert copy.execute("select count(*) from observations").fetchone() == (SHIPPED_OBSERVATIONS,)
        (tags,) = copy.execute("select tags from duckdb_databases() where database_name = 'warehouse-read'").fetchone()
        assert tags["storage_version"].startswith("v1.5.0")
        assert copy.execute(
            "select count(*) from duckdb_columns() as c join duckdb_views() as v on v.view_name = c.table_name "
            "and v.schema_name = c.schema_name "
            "where not v.internal and v.schema_name = 'main' and c.comment is null"
        ).fetchone() == (0,)
        copy.execute("set variable as_of = date '2023-10-31'")
        assert copy.execute("select value from latest where indicator = 'conduct_trainings'").fetchone() == (511,)
    assert not Path(f"{application.settings.read_copy_file}.wal").exists()


def test_a_failed_copy_leaves_the_previous_one(application: Application, tmp_path: Path) -> None:
    target = tmp_path / "no-such-folder" / "copy.duckdb"
    with pytest.raises(WarehouseError, match="could not be written"):
        write_copy(application.warehouse, target)
    write_copy(application.warehouse, tmp_path / "it's a copy.duckdb")
    assert (tmp_path / "it's a copy.duckdb").stat().st_size > 0


def test_a_transaction_that_has_seen_an_unfinished_copy_does_not_prevent_the_next_one(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy.duckdb"
    with application.warehouse.cursor() as reader:
        reader.begin()

        def list_tables(session: object, copy: str) -> None:
            # As a write to a lake does in its transaction.
            assert reader.execute("select count(*) > 10 from duckdb_tables() where database_name = ?", [copy]).fetchone()

        with monkeypatch.context() as patch, suppress(WarehouseError):
            patch.setattr(publish, "mark_complete", list_tables)
            write_copy(application.warehouse, target)
        write_copy(application.warehouse, target)
        write_copy(application.warehouse, target, earlier=target)
    with duckdb.connect(str(target), read_only=True) as copy:
        assert copy.execute("select count(*) from observations").fetchone() == (SHIPPED_OBSERVATIONS,)
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".tmp"] == []


def test_publishing_from_two_threads_at_once(application: Application, tmp_path: Path) -> None:
    targets = [tmp_path / f"{number}.duckdb" for number in range(4)]
    threads = [threading.Thread(target=write_copy, args=(application.warehouse, target)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for target in targets:
        with duckdb.connect(str(target), read_only=True) as copy:
            assert copy.execute("select count(*) from observations").fetchone() == (SHIPPED_OBSERVATIONS,)
