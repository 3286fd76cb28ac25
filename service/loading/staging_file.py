"""A file for the staged rows of large loads, so that they need no memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from service.system.disk import has_space
from service.warehouse.connection import UNLOGGED_OPTIONS
from service.warehouse.database import Connection, Warehouse

# Rows of smaller files are staged in memory, which takes less processor time.
LARGE_BYTES = 4 << 20
# Staged rows took twice the bytes of a Parquet file of observations, and less than those of the same rows as CSV.
STAGED_SHARE = 3
TABLES = ("staged", "staged_cells")
_numbers = itertools.count(1)


@contextmanager
def use_staging_file(warehouse: Warehouse, session: Connection, files: Sequence[Path]) -> Iterator[None]:
    """Move the empty staging tables of a session to a compressed file if the files to load are large.

    In memory, 10,000,000 rows take 2.2 GB: DuckDB does not compress temporary tables. In a file they take 0.15 GB. Tables
    remain in memory if the file could exceed the limit of temporary files or the free disk space. With a file, the session is
    closed at the end.
    """
    if not _needs_file(warehouse, files):
        yield
        return
    name = f"staging_{next(_numbers)}"
    folder = warehouse.file.parent / "tmp"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{name}.duckdb"
    file.unlink(missing_ok=True)
    (main,) = session.execute("select current_database()").fetchone() or ("",)
    # Without a log, nothing but the file is written.
    path = str(file).replace("'", "''")
    session.execute(f"attach '{path}' as {name} ({UNLOGGED_OPTIONS})")
    try:
        # It remains open: the disk space is free when it is detached or the process ends.
        file.unlink()
        for table in TABLES:
            session.execute(f"create table {name}.{table} as from temp.{table} limit 0")
            session.execute(f"drop table temp.{table}")
        session.execute(f"set search_path = '{main}.main,{name}.main'")
        yield
    finally:
        session.close()
        with suppress(duckdb.Error), warehouse.cursor() as cursor:
            cursor.execute(f"detach {name}")


def _needs_file(warehouse: Warehouse, files: Sequence[Path]) -> bool:
    size = 0
    for file in files:
        with suppress(OSError):  # reported when it is read
            size += file.stat().st_size
    needed = size * STAGED_SHARE
    return size >= LARGE_BYTES and needed <= warehouse.max_temp_bytes and has_space(warehouse.file.parent, needed)
