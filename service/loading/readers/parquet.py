"""Reads Parquet files of observations; dimensions may be a MAP or text."""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb

from service.errors import LoadError
from service.loading.readers.columns import IGNORED, check_columns, select_staged
from service.loading.readers.row_budget import RowBudget
from service.warehouse.database import Connection, run_sql

MAGIC = b"PAR1"


def stage_parquet(cursor: Connection, file: Path, file_name: str, file_ordinal: int, budget: RowBudget) -> None:
    """Append the rows of a Parquet file to `staged`.

    Raises LoadError when it is not a table of observations, or declares more rows or content than `budget` has left.
    """
    path = glob.escape(str(file.absolute()))
    try:
        rows, content_bytes = run_sql(cursor, "load/measure_parquet", file=path).fetchone() or (0, 0)
        budget.check_rows(file_name, rows)
        budget.check_bytes(file_name, content_bytes)
        described = cursor.execute("describe from read_parquet($file, hive_partitioning = false)", {"file": path}).fetchall()
        columns = {name.lower(): kind for name, kind, *_ in described}
        check_columns(file_name, list(columns))
        used = [column for column in columns if column not in IGNORED]
        staged = select_staged(used, columns.get("dimensions") == "MAP(VARCHAR, VARCHAR)")
        cursor.execute(
            f"""
            insert into staged
            select $file_ordinal, file_row_number + 2, {staged}
            from read_parquet($file, file_row_number = true, hive_partitioning = false)
            """,
            {"file": path, "file_ordinal": file_ordinal},
        )
        budget.take(rows)
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        raise LoadError(f"{file_name} cannot be read as Parquet ({str(error).splitlines()[0]}); write it again") from None
