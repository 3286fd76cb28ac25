"""Copies of the warehouse: the read copy, and the dated backup that is a hard link to it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb

from service.errors import WarehouseError
from service.snapshots.cache import mark_complete, name_database, quote_name, store_shown
from service.snapshots.difference import copy_difference
from service.system.atomic_file import replace_file
from service.system.disk import check_space, translate_write_error
from service.system.file_access import PRIVATE_DIRECTORY, restrict_backups, share_file
from service.warehouse.backups.names import BACKUP_NAME
from service.warehouse.connection import UNLOGGED_OPTIONS
from service.warehouse.database import Connection, Warehouse

_copying = threading.Lock()


def write_copy(warehouse: Warehouse, target: Path, group: int | None = None, earlier: Path | None = None) -> None:
    """Write a complete, consistent, checkpointed copy of the warehouse to `target`, replacing it atomically.

    If `earlier` is a copy of the same day, only the difference is read. Only the user of this process, and the group
    where one is given, may read the copy. Raises WarehouseError when it cannot be written. `target` is then unchanged.
    """
    try:
        with _copying, replace_file(target) as unfinished:
            _copy_database(warehouse, unfinished, earlier)
            share_file(unfinished, group)
    except (duckdb.Error, OSError) as error:
        if unwritable := translate_write_error(error, target.parent):
            raise unwritable from None
        raise WarehouseError(f"the copy {target} could not be written: {str(error).splitlines()[0]}") from None


def _copy_database(warehouse: Warehouse, target: Path, earlier: Path | None) -> None:
    target.unlink(missing_ok=True)
    with warehouse.cursor() as cursor:
        if earlier is not None and copy_difference(cursor, earlier, target):
            return
        for file in (target, target.with_name(f"{target.name}.wal")):
            file.unlink(missing_ok=True)
        copy_into(cursor, target, stores_shown=True)


def copy_into(session: Connection, target: Path, stores_shown: bool = False) -> None:
    """Copy the database of a session to a new file, in one transaction. Raises the first duckdb.Error.

    With `stores_shown`, for which the views of the session must be of this release, the copy has what pages show too.
    """
    warehouse = quote_name(name_database(session))
    quoted_target = str(target).replace("'", "''")
    # An earlier copy that ran out of space may still be attached.
    session.execute("detach database if exists published")
    session.execute(f"attach '{quoted_target}' as published ({UNLOGGED_OPTIONS})")
    try:
        session.begin()
        session.execute(f"copy from database {warehouse} to published")
        mark_complete(session, "published")
        if stores_shown:
            store_shown(session)
        session.commit()
        session.execute("checkpoint published")
    except BaseException:
        # On a full disk these statements fail too. The first error is raised.
        with suppress(duckdb.Error):
            session.rollback()
        with suppress(duckdb.Error):
            session.execute(f"use {warehouse}")
            session.execute("detach published")
        raise
    session.execute("detach published")


def publish_read_copy(warehouse: Warehouse, read_copy: Path, backup_dir: Path, now: datetime, group: int | None = None) -> None:
    """Publish the current state as the read copy, and as a dated backup (a hard link to the same file).

    A group may read the read copy. The directory of the backups denies it access to the hard link.
    """
    # The approximate size of the copy: half a copy on a full disk would leave no room for the log.
    check_space(read_copy.parent, read_copy.stat().st_size if read_copy.exists() else 0)
    write_copy(warehouse, read_copy, group, earlier=read_copy)
    backup_dir.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    backup = backup_dir / now.strftime(BACKUP_NAME)
    backup.unlink(missing_ok=True)
    os.link(read_copy, backup)
    restrict_backups(backup_dir, read_copy)
