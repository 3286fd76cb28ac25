"""Opening the lake: its tables are created or upgraded, and the local copy of this replica is brought up to date."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from service.errors import LakeError
from service.lake.address import read_address
from service.lake.locks import find_head
from service.lake.store import MIGRATIONS, Column, Tables, check_version, count_each, digest_rows, list_tables
from service.lake.warehouse import LakeWarehouse, spool_rows
from service.settings import Settings
from service.warehouse.connection import Resources, connect_for_writing
from service.warehouse.database import run_sql
from service.warehouse.migrations import list_migrations, migrate
from service.warehouse.opening import prepare_directory, set_log_aside

# Small tables with a row for each load and snapshot: their first rows show whether a local copy is of this lake.
COMPARED = ("batches", "snapshots")


def open_lake(settings: Settings, now: datetime) -> LakeWarehouse:
    """Open the lake of the settings with the local copy in `data_dir`. Create either if it does not exist.

    Raises LakeError when settings, packages or tables do not fit, or the local copy is of another lake; LakeUnavailable when
    PostgreSQL or the bucket cannot be reached; WarehouseLocked and WarehouseError as `open_warehouse` does.
    """
    address = read_address(settings)
    file = settings.warehouse_file
    prepare_directory(file.parent)
    is_new = not file.exists()
    if is_new:
        set_log_aside(file)
    resources = Resources(settings.threads, settings.memory_limit, file.parent / "tmp", settings.max_temp_size)
    connect = partial(connect_for_writing, file, resources)
    warehouse = LakeWarehouse(connect, file, address, resources, is_new, now, settings.max_temp_size)
    try:
        # No other process has the file open: what a killed one left is not used.
        for leftover in resources.temp_directory.glob("lake-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        _attach(warehouse)
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def _attach(warehouse: LakeWarehouse) -> None:
    """Give both the tables of this release, compare them, and pull what is missing."""
    newest = list_migrations()[-1][0]
    with warehouse.hold_lock():
        version = warehouse.store.find_version()
        if version is None:
            migrate(warehouse)
            _create(warehouse)
        else:
            check_version(version, newest)
            _check_not_newer(warehouse, version)
            # Rows of an earlier release are pulled before its tables are migrated.
            migrate(warehouse, version)
            _prepare_state(warehouse)
            _compare(warehouse)
            warehouse.pull_all()
            if version < newest:
                _upgrade(warehouse)
            migrate(warehouse)
    warehouse.is_attached = True


def _check_not_newer(warehouse: LakeWarehouse, version: int) -> None:
    with warehouse.cursor() as cursor:
        if MIGRATIONS not in list_tables(cursor):
            return
        (local,) = cursor.execute(f"select max(version) from store.{MIGRATIONS}").fetchone() or (0,)
    if (local or 0) > version:
        raise LakeError(
            f"{warehouse.file} was upgraded, and the lake ({warehouse.address}) was not: an upgrade was interrupted. Delete "
            "the file, which is a copy of the lake, and start again"
        )


def _prepare_state(warehouse: LakeWarehouse) -> None:
    with warehouse.write_cache() as cursor:
        run_sql(cursor, "lake/prepare_state")


def _create(warehouse: LakeWarehouse) -> None:
    """Create the tables of a new lake from those of a new local copy."""
    with warehouse.cursor() as cursor:
        tables = list_tables(cursor)
        if any(count_each(cursor, COMPARED).values()):
            raise LakeError(
                f"{warehouse.file} is a warehouse, and the lake ({warehouse.address}) is empty: fill it with 'a4p migrate' "
                "or set A4P_DATA_DIR to an empty directory"
            )
    warehouse.store.create_tables(tables)
    _prepare_state(warehouse)
    _store_migrations(warehouse, tables)
    warehouse.pull_all()


def _store_migrations(warehouse: LakeWarehouse, tables: Tables) -> None:
    with warehouse.spool() as folder, warehouse.cursor() as cursor:
        file = folder / "migrations.parquet"
        spool_rows(cursor, MIGRATIONS, 0, file, count_each(cursor, [MIGRATIONS])[MIGRATIONS])
        warehouse.store.replace_tables({MIGRATIONS: tables[MIGRATIONS]}, {MIGRATIONS: file})


def _compare(warehouse: LakeWarehouse) -> None:
    """Raise LakeError when the local copy has rows that the lake does not have."""
    with warehouse.cursor() as cursor:
        tables = list_tables(cursor)
        for table in COMPARED:
            rows = count_each(cursor, [table])[table]
            if rows and digest_rows(cursor, table, tables[table]) != warehouse.store.digest(table, tables[table], rows):
                raise LakeError(
                    f"{warehouse.file} has rows in {table} that the lake ({warehouse.address}) does not have: it is of another "
                    "lake or of an embedded warehouse; set A4P_DATA_DIR to an empty directory"
                )


def _upgrade(warehouse: LakeWarehouse) -> None:
    """Migrate the complete local copy, and replace the tables of the lake that this changed."""

    def describe() -> dict[str, tuple[Sequence[Column], object]]:
        with warehouse.cursor() as cursor:
            tables = list_tables(cursor)
            return {name: (columns, digest_rows(cursor, name, columns)) for name, columns in tables.items()}

    before = describe()
    migrate(warehouse)
    after = describe()
    changed = {name: columns for name, (columns, digest) in after.items() if before.get(name) != (columns, digest)}
    with warehouse.spool() as folder, warehouse.cursor() as cursor:
        files = {name: folder / f"{name}.parquet" for name in changed}
        for name, rows in count_each(cursor, changed).items():
            spool_rows(cursor, name, 0, files[name], rows)
        # The local copy was made from this lake snapshot; the lock may have been lost since.
        warehouse.store.replace_tables(changed, files, warehouse.read_state())
    warehouse.set_state(find_head(warehouse.writing))
