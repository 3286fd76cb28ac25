"""The manifest: the number of rows of each table at the newest commit, which shows a loss of data.

It is a file beside the warehouse, written after every commit, so it never counts more rows than were committed. A
warehouse that has fewer rows than its manifest, read copy or newest backup has lost data, and is not opened.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from service.errors import WarehouseLost
from service.system.atomic_file import write_atomically
from service.warehouse.backups.names import list_backups
from service.warehouse.connection import connect

log = logging.getLogger(__name__)

READ_COPY_NAME = "warehouse-read.duckdb"
BACKUPS_NAME = "backups"
MANIFEST_FORMAT = 1

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Manifest:
    """Rows by table at a commit. Copies older than `accepted_at`, when a user accepted a loss, are not compared."""

    tables: Counts
    newest_batch: int
    accepted_at: datetime | None = None

    def write(self, file: Path) -> None:
        """Write it atomically. Raises OSError."""
        accepted_at = self.accepted_at.isoformat() if self.accepted_at else None
        content = {
            "format": MANIFEST_FORMAT,
            "newest_batch": self.newest_batch,
            "accepted_at": accepted_at,
            "tables": dict(self.tables),
        }
        write_atomically(file, json.dumps(content, indent=1).encode())


def find_manifest(warehouse_file: Path) -> Path:
    """Return the path of the manifest of a warehouse."""
    return warehouse_file.with_suffix(".manifest.json")


def read_manifest(file: Path) -> Manifest | None:
    """Return the manifest, or None if there is none. One that cannot be read is logged and counts as none."""
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        accepted_at = content["accepted_at"]
        return Manifest(
            {str(name): int(rows) for name, rows in content["tables"].items()},
            int(content["newest_batch"]),
            datetime.fromisoformat(accepted_at) if accepted_at else None,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("manifest %s cannot be read (%s); it is written again at the next commit", file, error)
        return None


def list_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of the tables of a warehouse; an empty list if it is not a warehouse."""
    rows = connection.execute(
        "select table_name from duckdb_tables() "
        "where schema_name = 'store' and database_name = current_database() order by table_name"
    ).fetchall()
    return [name for (name,) in rows]


def count_rows(connection: duckdb.DuckDBPyConnection, accepted_at: datetime | None = None) -> Manifest:
    """Return the manifest of the current state of a warehouse, without tables that do not exist."""
    names = list_tables(connection)
    if not names:
        return Manifest({}, 0, accepted_at)
    # A subquery for each table would take DuckDB three times as long to plan.
    counted = connection.execute(" union all ".join(f"select '{name}', count(*) from store.\"{name}\"" for name in names))
    tables = dict(counted.fetchall())
    newest = connection.execute("select max(batch_id) from store.batches").fetchone() if "batches" in names else None
    return Manifest(tables, (newest and newest[0]) or 0, accepted_at)


def check_nothing_lost(warehouse_file: Path) -> None:
    """Raise WarehouseLost when the warehouse is missing where one existed, or has fewer rows than were recorded.

    Nothing is written: the warehouse and its log are not changed.
    """
    manifest = read_manifest(find_manifest(warehouse_file))
    accepted_at = manifest.accepted_at if manifest else None
    copies = list_copies(warehouse_file, accepted_at)
    if not warehouse_file.exists():
        log_file = warehouse_file.with_name(warehouse_file.name + ".wal")
        traces = [str(file) for file in (find_manifest(warehouse_file), log_file, *copies) if file.exists()]
        if traces:
            raise WarehouseLost(
                f"{warehouse_file} is missing, but {traces[0]} shows that there was one. Mount or restore it "
                f"({suggest_restore(copies)}), set A4P_DATA_DIR to the right directory, or start with an "
                "empty warehouse: 'a4p serve --accept-loss'"
            )
        return
    current = _count_file(warehouse_file)
    if current is None:
        return
    references = {"its manifest": manifest, **{str(file): _count_file(file) for file in copies}}
    for name, reference in references.items():
        if reference is None:
            continue
        for table, rows in reference.tables.items():
            if current.tables.get(table, 0) < rows:
                raise WarehouseLost(
                    f"{warehouse_file} has lost data: it has {current.tables.get(table, 0):,} rows in {table} and its newest "
                    f"batch is {current.newest_batch}, but {name} has {rows:,} and {reference.newest_batch}. Restore a copy "
                    f"({suggest_restore(copies)}), or continue without these rows: 'a4p serve --accept-loss'"
                )


def list_copies(warehouse_file: Path, accepted_at: datetime | None) -> list[Path]:
    """Return the read copy and the newest backup made after `accepted_at`, without duplicates, the read copy first."""
    read_copy = warehouse_file.with_name(READ_COPY_NAME)
    dated = list_backups(warehouse_file.with_name(BACKUPS_NAME))
    copies = [read_copy] if read_copy.exists() and _is_later(read_copy.stat().st_mtime, accepted_at) else []
    for made_at, backup in dated[:1]:
        is_read_copy = read_copy.exists() and backup.samefile(read_copy)
        if not is_read_copy and _is_later(made_at.timestamp(), accepted_at):
            copies.append(backup)
    return copies


def suggest_restore(copies: list[Path]) -> str:
    """Return the command that restores the best available copy."""
    return f"'a4p restore {copies[0]}'" if copies else "'a4p restore BACKUP'"


def _is_later(timestamp: float, accepted_at: datetime | None) -> bool:
    return accepted_at is None or timestamp > accepted_at.timestamp()


def _count_file(file: Path) -> Manifest | None:
    """Return the rows of a file, or None if it cannot be opened for reading. Opening it for writing then raises the error."""
    try:
        with connect(file) as connection:
            return count_rows(connection)
    except duckdb.Error:
        return None
