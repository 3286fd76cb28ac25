"""Restoring a backup: it is verified and copied block by block before it replaces the warehouse."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from service.errors import WarehouseError
from service.snapshots.publish import copy_into
from service.system.atomic_file import replace_file
from service.system.progress import Progress, ignore_progress
from service.warehouse.backups.target import is_same_file
from service.warehouse.backups.verify import Verification, verify_connection, verify_file
from service.warehouse.connection import check_not_held, connect, open_copy
from service.warehouse.manifest import READ_COPY_NAME, count_rows, find_manifest
from service.warehouse.opening import prepare_directory


@dataclass(frozen=True)
class Restored:
    """The verification of a restored warehouse, and the path of the previous one; None if there was none."""

    verification: Verification
    earlier: Path | None


def restore_backup(backup: Path, warehouse_file: Path, now: datetime, progress: Progress = ignore_progress) -> Restored:
    """Replace the warehouse and the read copy by `backup`. The previous warehouse is renamed with a date.

    The backup is copied through DuckDB, which compares the checksum of every block, and the copy is verified before anything
    is replaced. Raises WarehouseError when the backup is not a warehouse or is damaged, WarehouseLocked while a service
    has the warehouse open. Nothing is changed then.
    """
    prepare_directory(warehouse_file.parent)
    if is_same_file(backup, warehouse_file):
        raise WarehouseError(f"{backup} is the warehouse itself; name a backup or the read copy")
    check_not_held(warehouse_file)
    try:
        with replace_file(warehouse_file) as unfinished:
            verification = _copy_verified(backup, unfinished, progress)
            progress("replacing the warehouse", None)
            earlier = _set_aside(warehouse_file, now)
        with replace_file(warehouse_file.with_name(READ_COPY_NAME)) as unfinished:
            shutil.copyfile(warehouse_file, unfinished)
        with connect(warehouse_file) as connection:
            count_rows(connection, accepted_at=now).write(find_manifest(warehouse_file))
    except OSError as error:
        raise WarehouseError(f"{backup} could not be restored: {error.strerror}") from None
    return Restored(verification, earlier)


def _copy_verified(backup: Path, target: Path, progress: Progress) -> Verification:
    with open_copy(backup) as source:
        found = verify_connection(source, progress)
        if found.faults:
            raise WarehouseError(f"{backup} cannot be restored: {found.faults[0]}. Restore another backup")
        progress("copying", None)
        try:
            # A read-only connection cannot attach a file for writing, so an in-memory database copies from one to the other.
            with duckdb.connect() as session:
                quoted = str(backup).replace("'", "''")
                session.execute(f"attach '{quoted}' as source (read_only)")
                session.execute("use source")
                copy_into(session, target)
        except duckdb.Error as error:
            raise WarehouseError(f"{backup} is damaged ({str(error).splitlines()[0]}). Restore another backup") from None
    copied = verify_file(target, progress)
    if copied.faults:
        raise WarehouseError(f"{backup} cannot be restored: {copied.faults[0]}. Restore another backup")
    return copied


def _set_aside(warehouse_file: Path, now: datetime) -> Path | None:
    """Add a dated name to the warehouse and rename its log. Return the dated name.

    After this the warehouse counts as lost until the restored one has its name, so that a kill in between is detected.
    """
    log_file = warehouse_file.with_name(warehouse_file.name + ".wal")
    earlier = warehouse_file.with_name(now.strftime("warehouse-before-restore-%Y%m%dT%H%M%S.%fZ.duckdb"))
    if warehouse_file.exists():
        os.link(warehouse_file, earlier)
    if log_file.exists():
        log_file.rename(earlier.with_name(earlier.name + ".wal"))
    return earlier if earlier.exists() else None
