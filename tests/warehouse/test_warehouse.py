"""The warehouse file: opening, locking, and files that are rejected."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from service.errors import WarehouseError, WarehouseLocked
from service.settings import find_in_tree
from service.warehouse.connection import open_copy
from service.warehouse.database import Warehouse
from service.warehouse.migrations import list_migrations
from service.warehouse.opening import open_warehouse
from tests.conftest import Load, NewWarehouse, WriteCsv


def reopen(file: Path) -> Warehouse:
    return open_warehouse(file, threads=1, memory_limit="1GB")


def refusal_of(file: Path) -> str:
    """Return the error of a file that cannot be opened. It has no trace, and the file is unchanged."""
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(WarehouseError) as caught:
        reopen(file)
    assert before is None or file.read_bytes() == before
    assert caught.value.can_retry is False
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_two_migrations_have_one_number() -> None:
    # The second would be skipped in a warehouse that has the first.
    numbers = [number for number, _ in list_migrations()]
    assert len(set(numbers)) == len(numbers)


def test_each_migration_is_applied_once(tmp_path: Path) -> None:
    numbers = sorted(int(file.stem.split("_")[0]) for file in (find_in_tree("sql") / "migrations").glob("*.sql"))
    for _ in range(2):
        warehouse = reopen(tmp_path / "warehouse.duckdb")
        with warehouse.cursor() as cursor:
            applied = cursor.execute("select version from store.migrations order by all").fetchall()
        warehouse.close()
        assert applied == [(number,) for number in numbers]


def test_views_are_created_again_only_after_another_release_created_them(tmp_path: Path) -> None:
    def list_columns(*changes: str) -> list[tuple[str, ...]]:
        warehouse = reopen(tmp_path / "warehouse.duckdb")
        with warehouse.cursor() as cursor:
            columns = [row[:2] for row in cursor.execute("describe snapshot_info").fetchall()]
            for change in changes:
                cursor.execute(change)
        warehouse.close()
        return columns

    made = list_columns("create or replace view snapshot_info as select 1 as a")
    assert list_columns() == [("a", "INTEGER")], "views of the same release are not compared"
    list_columns("create or replace view store.newest_kpis as from store.kpis")
    assert list_columns() == made


def test_a_directory_that_is_not_there_is_made(tmp_path: Path) -> None:
    reopen(tmp_path / "new" / "data" / "warehouse.duckdb").close()
    assert (tmp_path / "new" / "data" / "warehouse.duckdb").is_file()


def test_values_are_there_when_the_warehouse_is_opened_again(
    new_warehouse: NewWarehouse, warehouse: Warehouse, load: Load, write_csv: WriteCsv
) -> None:
    load(write_csv("values.csv", {}))
    warehouse.close()
    with new_warehouse(warehouse.file.parent) as again, again.cursor() as cursor:
        assert cursor.execute("select mission, value from observations").fetchall() == [("UNMISS", 40.0)]


def test_a_load_that_was_reported_outlives_a_kill(new_warehouse: NewWarehouse, write_csv: WriteCsv, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with new_warehouse(directory):
        pass
    program = """
import os, pathlib, signal, sys
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.warehouse.opening import open_warehouse
warehouse = open_warehouse(pathlib.Path(sys.argv[1]), threads=1, memory_limit="1GB")
load_files(warehouse, LoadRequest(files=[pathlib.Path(sys.argv[2])], loaded_by="the killed"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    arguments = [sys.executable, "-c", program, str(directory / "warehouse.duckdb"), str(write_csv("values.csv", {}))]
    assert subprocess.run(arguments, cwd=find_in_tree("."), check=False).returncode == -signal.SIGKILL
    with new_warehouse(directory) as again, again.cursor() as cursor:
        assert cursor.execute("select mission, value from observations").fetchall() == [("UNMISS", 40.0)]


def test_a_warehouse_of_a_newer_service_is_refused(warehouse: Warehouse) -> None:
    with warehouse.write() as cursor:
        cursor.execute("insert into store.migrations values (9999, 'of_the_future', now())")
    (known,) = warehouse.cursor().execute("select max(version) from store.migrations where version < 9999").fetchone() or ()
    warehouse.close()
    assert refusal_of(warehouse.file) == (
        f"{warehouse.file} was created by a newer version of this service (its tables are version 9999, "
        f"this version supports {known}); upgrade the service, or set A4P_DATA_DIR to another directory"
    )


@pytest.mark.parametrize("content", ["create table extra as select 1 as a", "create view extra as select 1 as a"])
def test_the_database_of_another_program_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.duckdb"
    with duckdb.connect(str(file)) as other:
        other.execute(content)
    assert refusal_of(file) == f"{file} is a DuckDB database but not an A4P+ warehouse; set A4P_DATA_DIR to another directory"


@pytest.mark.parametrize("content", [b"", b"extra", b"\xff" * 20_000, b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(content)
    reported = refusal_of(file)
    assert reported.startswith(f"{file} cannot be opened (")
    assert reported.endswith("); restore a backup with 'a4p restore'")


def test_a_warehouse_without_its_catalogue_of_tables_is_refused(warehouse: Warehouse) -> None:
    # DuckDB reads blocks of values only when a query needs them: a file cut off among those opens.
    warehouse.close()
    warehouse.file.write_bytes(warehouse.file.read_bytes()[:100_000])
    assert refusal_of(warehouse.file).endswith("); restore a backup with 'a4p restore'")


def test_a_file_of_a_newer_duckdb_is_refused(warehouse: Warehouse) -> None:
    warehouse.close()
    content = bytearray(warehouse.file.read_bytes())
    # The first block: its checksum, DUCK, the storage version.
    struct.pack_into("<Q", content, 12, 99_999)
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", content[8:4096]):
        checksum ^= word * 0xBF58476D1CE4E5B9 % (1 << 64)
    struct.pack_into("<Q", content, 0, checksum)
    warehouse.file.write_bytes(content)
    assert refusal_of(warehouse.file) == (
        f"{warehouse.file} was written by a newer version of DuckDB; upgrade this service to open it"
    )


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").mkdir()
    assert refusal_of(tmp_path / "warehouse.duckdb").startswith(f"{tmp_path / 'warehouse.duckdb'} cannot be opened (")


@pytest.mark.parametrize(("below", "reason"), [("data", "File exists"), ("data/deeper", "Not a directory")])
def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path: Path, below: str, reason: str) -> None:
    # Root may write whatever the mode says; below a file nobody can.
    (tmp_path / "data").write_text("a file")
    assert refusal_of(tmp_path / below / "warehouse.duckdb") == (
        f"the data directory {tmp_path / below} cannot be written ({reason}); "
        "correct its permissions, or set A4P_DATA_DIR to another directory"
    )


def test_a_warehouse_that_another_process_holds_is_locked_until_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    reopen(file).close()
    program = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseLocked) as caught:
            reopen(file)
        holder.communicate(timeout=20)
    assert str(caught.value) == (f"{file} is in use by process {holder.pid}; stop it, or set A4P_DATA_DIR to another directory")
    assert caught.value.can_retry
    reopen(file).close()


def test_a_copy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"no\.duckdb does not exist; start the service once, or set A4P_DATA_DIR"):
        open_copy(tmp_path / "no.duckdb")


def test_a_copy_takes_no_writes(warehouse: Warehouse) -> None:
    warehouse.close()
    with open_copy(warehouse.file) as copy, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        copy.execute("create table extra (a integer)")


def test_the_file_has_the_storage_format_that_both_versions_of_duckdb_read(warehouse: Warehouse) -> None:
    warehouse.close()
    with duckdb.connect(str(warehouse.file), read_only=True) as connection:
        tags = connection.execute("select tags from duckdb_databases() where path = ?", [str(warehouse.file)]).fetchone()
    assert tags == ({"storage_version": "v1.5.0+"},)


def test_times_are_in_utc_wherever_the_service_runs(warehouse: Warehouse) -> None:
    with warehouse.cursor() as cursor:
        assert cursor.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
        assert cursor.execute("select timestamptz '2025-01-01 00:00:00'::varchar").fetchone() == ("2025-01-01 00:00:00+00",)


def test_a_checkpoint_moves_the_log_into_the_file(warehouse: Warehouse, load: Load, write_csv: WriteCsv) -> None:
    load(write_csv("values.csv", {}))
    log = warehouse.file.with_name("warehouse.duckdb.wal")
    assert log.stat().st_size > 0
    warehouse.checkpoint()
    assert not log.exists() or log.stat().st_size == 0
