"""The read copy, backups, and going back to one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from service.application import Application
from service.definitions import Definitions
from service.errors import WarehouseError, WarehouseLocked
from service.publish import BACKUP_NAME, prune_backups, publish_read_copy, restore_copy, write_copy
from tests.conftest import load_value, publish_report

READER = """
import sys, time, duckdb
deadline = time.monotonic() + float(sys.argv[2])
seen = 0
while time.monotonic() < deadline:
    with duckdb.connect(sys.argv[1], read_only=True) as copy:
        rows, batches = copy.execute(
            "select (select count(*) from observation_revisions), (select sum(new_observations + revisions) from batches)"
        ).fetchone()
        assert rows == batches, (rows, batches)
        assert copy.execute("select count(*) from kpi_latest").fetchone()[0] > 0
    seen += 1
print(seen)
"""


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path / "data", definitions) as opened:
        yield opened


def test_another_process_reads_whole_states_while_loads_go_on(application: Application, tmp_path: Path) -> None:
    copy = str(application.settings.read_copy_file)
    reader = subprocess.Popen([sys.executable, "-c", READER, copy, "4"], stdout=subprocess.PIPE, text=True)
    value = 0
    while reader.poll() is None:
        value += 1
        load_value(application, tmp_path, value)
        application.refresh()
    seen = int(reader.communicate()[0])
    assert reader.returncode == 0
    assert seen > 1
    assert value > 1


def test_the_read_copy_is_whole_and_in_the_older_format(application: Application) -> None:
    with duckdb.connect(str(application.settings.read_copy_file), read_only=True) as copy:
        assert copy.execute("select count(*) from observations").fetchone() == (399,)
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


def test_a_copy_that_cannot_be_written_leaves_what_was_there(application: Application, tmp_path: Path) -> None:
    target = tmp_path / "no-such-folder" / "copy.duckdb"
    with pytest.raises(WarehouseError, match="could not be written"):
        write_copy(application.warehouse, target)
    write_copy(application.warehouse, tmp_path / "it's a copy.duckdb")
    assert (tmp_path / "it's a copy.duckdb").stat().st_size > 0


def test_the_last_few_copies_are_kept(application: Application) -> None:
    settings = application.settings
    for hour in range(6):
        now = datetime(2024, 1, 1, hour, tzinfo=UTC) + timedelta(days=400)
        publish_read_copy(application.warehouse, settings.read_copy_file, settings.backup_dir, now)
    other = os.getpid() + 1
    left_by_a_kill = [settings.data_dir / f"warehouse-read.duckdb.{other}{number}.tmp" for number in ("", ".3")]
    for file in left_by_a_kill:
        file.touch()
    prune_backups(settings.backup_dir, 2, 30, now)
    assert len(list(settings.backup_dir.iterdir())) == 2
    assert not any(file.exists() for file in left_by_a_kill)


def test_copies_go_when_they_are_old_but_for_the_newest(tmp_path: Path) -> None:
    now = datetime(2024, 6, 30, tzinfo=UTC)
    for days in (40, 31, 29, 10):
        (tmp_path / (now - timedelta(days=days)).strftime(BACKUP_NAME)).touch()
    assert prune_backups(tmp_path, 5, 30, now) == 2
    assert prune_backups(tmp_path, 5, 1, now) == 1
    assert [file.name for file in tmp_path.iterdir()] == [(now - timedelta(days=10)).strftime(BACKUP_NAME)]


def test_publishing_from_two_threads_at_once(application: Application, tmp_path: Path) -> None:
    targets = [tmp_path / f"{number}.duckdb" for number in range(4)]
    threads = [threading.Thread(target=write_copy, args=(application.warehouse, target)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for target in targets:
        with duckdb.connect(str(target), read_only=True) as copy:
            assert copy.execute("select count(*) from observations").fetchone() == (399,)


def test_restore_goes_back_and_keeps_what_was_there(application: Application, tmp_path: Path) -> None:
    settings = application.settings
    backup = tmp_path / "backup.duckdb"
    application.back_up(backup)
    load_value(application, tmp_path, 97)
    application.close()
    kept = restore_copy(backup, settings.warehouse_file, 1, "1GB", datetime(2024, 6, 1, tzinfo=UTC))
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as restored:
        assert restored.execute("select count(*) from observation_revisions").fetchone() == (399,)
    assert kept is not None
    with duckdb.connect(str(kept), read_only=True) as earlier:
        assert earlier.execute("select count(*) from observation_revisions").fetchone() == (400,)


def test_restore_refuses_while_the_warehouse_is_held(application: Application, tmp_path: Path) -> None:
    backup = tmp_path / "backup.duckdb"
    application.back_up(backup)
    held = subprocess.run(
        [sys.executable, "-m", "service.cli", "restore", str(backup), "--data-dir", str(application.settings.data_dir)],
        capture_output=True,
        text=True,
    )
    assert held.returncode == 1
    assert f"is held by process {os.getpid()}" in held.stderr


@pytest.mark.parametrize("kind", ["missing", "garbage", "other"])
def test_restore_refuses_what_is_no_warehouse(tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "copy.duckdb"
    if kind == "garbage":
        copy.write_bytes(b"not a database" * 1000)
    if kind == "other":
        with duckdb.connect(str(copy)) as connection:
            connection.execute("create table t (i integer)")
    with pytest.raises((WarehouseError, WarehouseLocked)):
        restore_copy(copy, tmp_path / "data" / "warehouse.duckdb", 1, "1GB", datetime(2024, 6, 1, tzinfo=UTC))
    assert not (tmp_path / "data" / "warehouse.duckdb").exists()
