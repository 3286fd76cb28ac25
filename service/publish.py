"""Copies of the warehouse: the read copy, dated backups, and going back to one."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from service.errors import WarehouseError
from service.warehouse import STORAGE_VERSION, Warehouse, open_copy, open_warehouse, tell_open_error

BACKUP_NAME = "warehouse-%Y%m%dT%H%M%S.%fZ.duckdb"
_copying = threading.Lock()


def write_copy(warehouse: Warehouse, target: Path) -> None:
    """Write a whole, consistent, checkpointed copy of the warehouse to `target`, replacing it in one step.

    Raises WarehouseError when it cannot be written; `target` is then as it was.
    """
    # In the same folder, so that the rename is atomic; the name says whose leavings they are after a kill.
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        with _copying:
            _copy_database(warehouse, unfinished)
        with unfinished.open("rb") as stream:
            os.fsync(stream.fileno())
        unfinished.replace(target)
    except (duckdb.Error, OSError) as error:
        unfinished.unlink(missing_ok=True)
        raise WarehouseError(f"the copy {target} could not be written: {str(error).splitlines()[0]}") from None


def _copy_database(warehouse: Warehouse, target: Path) -> None:
    target.unlink(missing_ok=True)
    cursor = warehouse.cursor()
    try:
        (name,) = cursor.execute("select current_database()").fetchone() or ("",)
        quoted_target = str(target).replace("'", "''")
        quoted_name = name.replace('"', '""')
        cursor.execute(f"attach '{quoted_target}' as published (storage_version '{STORAGE_VERSION}')")
        try:
            cursor.begin()
            cursor.execute(f'copy from database "{quoted_name}" to published')
            cursor.commit()
        except BaseException:
            cursor.rollback()
            raise
        finally:
            cursor.execute("detach published")
    finally:
        cursor.close()


def publish_read_copy(warehouse: Warehouse, read_copy: Path, backup_dir: Path, now: datetime) -> None:
    """Publish the state of now as the read copy, and keep it as a dated backup (a second name of the same file)."""
    write_copy(warehouse, read_copy)
    backup_dir.mkdir(exist_ok=True)
    backup = backup_dir / now.strftime(BACKUP_NAME)
    backup.unlink(missing_ok=True)
    os.link(read_copy, backup)


def prune_backups(backup_dir: Path, keep: int, keep_days: int, now: datetime) -> int:
    """Delete dated backups beyond the newest `keep` or older than `keep_days`, and what a killed copy left.

    The newest is kept whatever its age. Return how many files went.
    """
    newest_first = sorted(backup_dir.glob("warehouse-*.duckdb"), reverse=True)
    eldest = (now - timedelta(days=keep_days)).strftime(BACKUP_NAME)
    old = [file for place, file in enumerate(newest_first) if place >= keep or (place > 0 and file.name < eldest)]
    own_mark = f".{os.getpid()}."
    left = [file for file in backup_dir.parent.glob("*.duckdb.*.tmp") if own_mark not in file.name]
    for file in [*old, *left]:
        file.unlink(missing_ok=True)
    return len(old) + len(left)


def restore_copy(copy: Path, warehouse_file: Path, threads: int, memory_limit: str, now: datetime) -> Path | None:
    """Make `copy` the warehouse; return where the earlier warehouse was put, or None when there was none.

    Raises WarehouseError when the copy is no warehouse, WarehouseLocked while a service holds the warehouse.
    """
    with open_copy(copy) as connection:
        tables = connection.execute("select 1 from duckdb_tables() where schema_name = 'store' and table_name = 'migrations'")
        if tables.fetchone() is None:
            raise WarehouseError(f"{copy} is a DuckDB database but no A4P+ warehouse; name a backup or read copy")
    kept: Path | None = None
    if warehouse_file.exists():
        # Opening takes the lock and closing moves the log into the file: nothing is left behind in the .wal.
        open_warehouse(warehouse_file, threads, memory_limit).close()
        kept = warehouse_file.with_name(now.strftime("warehouse-before-restore-%Y%m%dT%H%M%S.%fZ.duckdb"))
    warehouse_file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = warehouse_file.with_name(f"{warehouse_file.name}.{os.getpid()}.tmp")
    try:
        with copy.open("rb") as source, unfinished.open("wb") as target:
            while block := source.read(1 << 22):
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        if kept is not None:
            os.link(warehouse_file, kept)
        unfinished.replace(warehouse_file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise WarehouseError(f"{copy} could not be restored: {error.strerror}") from None
    try:
        open_warehouse(warehouse_file, threads, memory_limit).close()
    except duckdb.Error as error:
        raise tell_open_error(error, warehouse_file) from None
    return kept
